import type { HearingState } from "@/model/types";
import { get } from "./request";

/** What `hearing-server demo --json` prints; fields beyond these are left alone. */
export interface DemoPerson {
  name: string;
  role: string;
  case_id?: string;
  label?: string;
  label_en?: string;
  sign_in: { kind: "password"; username: string; password: string } | { kind: "phone_code"; phone: string; id_last4: string };
  links: Record<string, string>;
}
export interface Demo {
  people: DemoPerson[];
  cases: { id: string; number: string; cause: string }[];
  hearings: { id: string; case_id: string; title: string; state: HearingState; starts_at: string; link: string }[];
}
export interface OutboxItem {
  id: string;
  at: string;
  channel: string;
  to: string;
  to_name: string;
  body: string;
  links: string[];
  simulated: true;
}

export const readDemo = (): Promise<Demo> => get("/demo");
export const readOutbox = async (): Promise<OutboxItem[]> => (await get<{ items: OutboxItem[] }>("/demo/outbox")).items;
