/** Publications and what the public sees, as in `docs/PROTOCOL.md` section 1. */

import type { CourtName } from "./types";

export type PublicationState = "submitted" | "public" | "rejected" | "withdrawn";
export interface Publication {
  id: string;
  recording_id: string;
  state: PublicationState;
  title: string;
  cause: string;
  case_number: string;
  court_name: string;
  held_on: string;
  duration_s: number;
  submitted_by: { id: string; name: string };
  submitted_at: string;
  decided_by: { id: string; name: string } | null;
  decided_at: string | null;
  published_at: string | null;
  reason: string | null;
  objections_until: string | null;
  responses: PartyResponse[];
  redactions: Redaction[];
  copy: PublicCopy;
  approved_sha256: string | null;
}
/** A party's word on a publication; `upheld` is null until it was answered. */
export interface PartyResponse {
  person_id: string;
  name: string;
  objects: boolean;
  reason: string;
  at: string;
  upheld: boolean | null;
  answer: string;
  answered_by: string | null;
  answered_at: string | null;
}
export type RedactionKind = "mute" | "mask" | "region" | "cut" | "name";
/** One row of what a public copy leaves out. Seconds of the plain film, shares of its picture. */
export interface Redaction {
  kind: RedactionKind;
  from_s?: number | null;
  until_s?: number | null;
  person_id?: string | null;
  x?: number | null;
  y?: number | null;
  width?: number | null;
  height?: number | null;
  name?: string | null;
  substitute?: string | null;
}
export interface PublicCopy {
  state: "queued" | "composing" | "ready" | "failed";
  sha256: string | null;
  size_bytes: number | null;
  duration_s: number | null;
  source_sha256: string | null;
  redactions_sha256: string | null;
  error: string | null;
}
export interface PublicRecording {
  id: string;
  title: string;
  cause: string;
  case_number: string;
  court: CourtName;
  held_on: string;
  duration_s: number;
  published_at: string;
  film_url: string;
  poster_url: string;
}
