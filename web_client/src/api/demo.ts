import { get } from "./request";

/** What `hearing-server demo --json` prints; fields beyond these are left alone. */
export interface DemoLink {
  label?: string;
  name?: string;
  url: string;
}
export interface DemoPerson {
  name: string;
  role: string;
  id?: string;
  username?: string;
  password?: string;
  phone?: string;
  id_last4?: string;
  links?: (DemoLink | string)[] | Record<string, string>;
  [more: string]: unknown;
}
export interface Demo {
  people: DemoPerson[];
  cases: Record<string, unknown>[];
  hearings: Record<string, unknown>[];
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
