/** The case space's data of `docs/PROTOCOL.md`, as it travels. */

import type { LaneEvent, Obligation } from "@/model/types";

export type LaneKind = "everyone" | "bench";
export type MemberRole = "judge" | "clerk" | "party" | "representative";

export interface LaneBrief {
  lane: string;
  kind: LaneKind;
  epoch: number;
  head_seq: number;
  read_seq: number;
  delivered_seq: number;
}
/** A person as the court calls them; the English only where the server sends it. */
export interface Labelled {
  name: string;
  label: string;
  label_en?: string;
}
export interface Member extends Required<Labelled> {
  person_id: string;
  role: MemberRole;
}
export interface Receipt {
  person_id: string;
  delivered_seq: number;
  read_seq: number;
}
export interface CaseSpace {
  lanes: LaneBrief[];
  members: Member[];
  receipts: Record<string, Receipt[]>;
}
export interface LanePage {
  items: LaneEvent[];
  head_seq: number;
  epoch: number;
}
export interface Attachment {
  id: string;
  sha256: string;
  media_type: string;
  size_bytes: number;
  width: number;
  height: number;
  name: string;
}
export interface ReminderDraft {
  person_ids: string[];
  title: string;
  text: string;
  due_at?: string;
}
export interface ReminderItem {
  id: string;
  title: string;
  text: string;
  issued_at: string;
  due_at: string | null;
  obligations: Obligation[];
}

/** What a picture's message holds. */
export interface ImageBody {
  attachment_id: string;
  width: number;
  height: number;
  media_type: string;
  size_bytes: number;
  name: string;
}

export const isCourt = (role: MemberRole | undefined): boolean => role === "judge" || role === "clerk";
