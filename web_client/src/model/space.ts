/** The case space's data of `docs/PROTOCOL.md`, as it travels. */

import type { Obligation } from "@/model/reminder";
import type { LaneEvent } from "@/model/types";

export type LaneKind = "everyone" | "bench" | "sealed" | "mediation";
export const SEALED_GROUNDS = ["trade_secret", "privacy", "minor", "safety", "preservation"] as const;
export type SealedGround = (typeof SEALED_GROUNDS)[number];
/** What a person can post; cards are the court's system's alone. */
export type MessageType = "text" | "image" | "audio" | "document" | "video" | "correction" | "tombstone";
export type FileKind = "image" | "audio" | "document" | "video";
export type TextLabel = "procedural" | "litigation_act";
export type TombstoneGround = "withdrawn" | "personal_data" | "secret" | "unlawful" | "wrong_place" | "other";
export type MemberRole = "judge" | "clerk" | "party" | "representative";

export interface LaneBrief {
  lane: string;
  kind: LaneKind;
  /** A mediation's name. */
  title: string;
  /** Whose sealed lane it is. */
  side: { standing: string; label: string; label_en: string } | null;
  ground: SealedGround | null;
  /** Everybody who reads it. */
  readers: string[];
  closed: boolean;
  first_seq: number;
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
  first_seq?: number;
}
export interface Attachment {
  id: string;
  sha256: string | null;
  kind: FileKind | "unknown";
  state: "uploading" | "checking" | "ready" | "refused";
  reason: string | null;
  media_type: string;
  size_bytes: number;
  width: number;
  height: number;
  pages: number;
  duration_ms: number;
  waveform: number[];
  name: string;
}
export interface ReminderDraft {
  person_ids: string[];
  title: string;
  text: string;
  due_at?: string;
  ground?: string;
  urgent?: boolean;
  documents?: { kind: string; id: string }[];
}
export interface ReminderItem {
  id: string;
  title: string;
  text: string;
  ground: string;
  urgent: boolean;
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

/** What every message about a file holds. */
export interface FileBody {
  attachment_id: string;
  media_type: string;
  size_bytes: number;
  name: string;
}
export interface AudioBody extends FileBody {
  duration_ms: number;
  waveform: number[];
}
export interface DocumentBody extends FileBody {
  pages?: number;
}
export interface VideoBody extends FileBody {
  width: number;
  height: number;
  duration_ms: number;
}

export const isCourt = (role: MemberRole | undefined): boolean => role === "judge" || role === "clerk";
