/** A case's timeline, what somebody must do next, and how they are told of news. */

import type { Obligation, ReminderChannel } from "./reminder";

export interface Todo {
  kind: string;
  key: string;
  case_id: string;
  case_number: string;
  subject: string;
  people: string[];
  due_at: string | null;
  from_at: string | null;
  is_overdue: boolean;
  link: string;
}
export interface TimelineNode {
  kind: string;
  at: string;
  facts: Record<string, string>;
  link: string;
  is_ahead: boolean;
}
export interface CaseProgress {
  case: { id: string; number: string; cause: string };
  timeline: TimelineNode[];
  todos: Todo[];
}
export interface Contact {
  id: string;
  channel: ReminderChannel;
  label: string;
  is_confirmed: boolean;
  last_proof_at: string | null;
}
export interface Contacts {
  phone: string | null;
  contacts: Contact[];
  wishes: Record<string, boolean>;
  push_key: string;
  simulated: string[];
}
export interface ServiceConsent {
  text: { version: string; text: string; text_en: string; sha256: string };
  decided: { granted: boolean; at: string } | null;
}
export interface Ground {
  code: string;
  name: string;
  name_en: string;
  addressee: "person" | "representative" | "both";
  serves: boolean;
}
export interface ObligationProof extends Obligation {
  made_at: string;
  court: { name: string; name_en: string };
  cause: string;
  serves: boolean;
  acknowledgment: { at: string; text_sha256: string; identity: string } | null;
  handed_over: { at: string; note: string } | null;
  service_consent: { granted: boolean; at: string; text_sha256: string } | null;
  effect: { at: string | null; rule: string | null; channel: string | null; is_presumed: boolean; missing: string | null } | null;
  acts: { id: string; seq: number; kind: string; at: string; entry_sha256: string; link: string }[];
}
