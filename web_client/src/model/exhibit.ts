/** Exhibits of `docs/PROTOCOL.md`, as they travel, and what pages make of them. Pure. */

import type { Tone } from "@/model/presence";

export const EXHIBIT_KINDS = ["document", "physical", "audiovisual", "electronic", "testimony", "expert_opinion", "inspection", "statement"] as const;
export type ExhibitKind = (typeof EXHIBIT_KINDS)[number];
export const GROUNDS = ["trade_secret", "privacy", "minor", "safety", "preservation"] as const;
export type Ground = (typeof GROUNDS)[number];
export const ANSWERS = ["accepted", "disputed", "partly", "none"] as const;
export type Answer = (typeof ANSWERS)[number];
export const POINTS = ["authenticity", "legality", "relevance", "purpose"] as const;
export type Point = (typeof POINTS)[number];
export const RESULTS = ["admitted", "partly", "not_admitted"] as const;
export type Result = (typeof RESULTS)[number];
export type Disclosure = "disclose" | "redacted" | "keep";
export type ExhibitState = "draft" | "submitted" | "checked" | "returned" | "exchanged" | "shown" | "ruled" | "withdrawn";
export type Form = "original" | "copy";
export type Way = "edit" | "submit" | "discard" | "supplement" | "withdraw" | "check" | "return" | "exchange" | "disclose" | "show" | "rule" | "opine";

export interface ExhibitFile {
  attachment_id: string;
  name: string;
  media_type: string;
  size_bytes: number;
  sha256: string;
  pages: number;
}
export interface Opinion {
  id: string;
  party_ids: string[];
  person: { id: string; name: string };
  label: string;
  label_en: string;
  authenticity: Answer;
  legality: Answer;
  relevance: Answer;
  purpose: Answer;
  reason: string;
  asks_original: boolean;
  at: string;
  is_late: boolean;
}
export interface Ruling {
  result: Result;
  reason: string;
  by: string;
  at: string;
}
export interface SealDecision {
  kind: Disclosure;
  party_ids: string[] | null;
  to: string[] | null;
  reason: string;
  by: string;
  at: string;
  redacted: { title: string; file: ExhibitFile } | null;
}
export interface Exhibit {
  id: string;
  case_id: string;
  sight: "full" | "redacted" | "stub";
  revision: number;
  number: string | null;
  number_en: string | null;
  version: number;
  side: { key: string; label: string; label_en: string; party_ids: string[]; is_mine: boolean };
  kind: ExhibitKind;
  state: ExhibitState;
  is_sealed: boolean;
  ground: Ground | null;
  submitted_at: string | null;
  title: string | null;
  source: string | null;
  purpose: string | null;
  form: Form | null;
  files: ExhibitFile[];
  pages: number;
  sha256: string | null;
  due_at: string | null;
  is_late: boolean;
  exchanged_at: string | null;
  opinions_until: string | null;
  supersedes: string | null;
  superseded_by: string | null;
  seal: { reason: string; decisions: SealDecision[] } | null;
  steps: { what: string; by: string; at: string; reason: string }[];
  showings: { hearing_id: string; at: string; page: number | null }[];
  rulings: Ruling[];
  opinions: Opinion[];
  may: Way[];
}
export interface ExhibitParty {
  id: string;
  name: string;
  label: string;
  label_en: string;
}
export interface CaseExhibits {
  items: Exhibit[];
  parties: ExhibitParty[];
  terms: { submit_until: string | null; set_at: string | null };
  me: { party_ids: string[]; may: ("submit" | "check" | "exchange" | "set_terms" | "rule")[] };
}
export interface ExhibitDraft {
  title: string;
  kind: ExhibitKind;
  source: string;
  purpose: string;
  form: Form;
  attachment_ids: string[];
  sealed: { ground: Ground; reason: string } | null;
}
export interface OpinionDraft extends Record<Point, Answer> {
  reason: string;
  asks_original: boolean;
}

export const STATE_TONES: Record<ExhibitState, Tone> = {
  draft: "quiet",
  submitted: "caution",
  checked: "court",
  returned: "alarm",
  exchanged: "court",
  shown: "court",
  ruled: "proof",
  withdrawn: "quiet",
};
export const ANSWER_TONES: Record<Answer, Tone> = { accepted: "proof", disputed: "alarm", partly: "caution", none: "quiet" };
export const RESULT_TONES: Record<Result, Tone> = { admitted: "proof", partly: "caution", not_admitted: "alarm" };

/** The newest opinion that was given for a party. */
export function opinionOf(exhibit: Exhibit, partyId: string): Opinion | null {
  return exhibit.opinions.filter((one) => one.party_ids.includes(partyId)).at(-1) ?? null;
}

/** Versions of one number, the newest first; drafts of a supplement stand alone. */
export function inVersions(items: readonly Exhibit[]): { newest: Exhibit; older: Exhibit[] }[] {
  const byNumber = new Map<string, Exhibit[]>();
  for (const one of items) {
    const key = one.number === null ? one.id : `${one.side.key}:${one.number}`;
    byNumber.set(key, [...(byNumber.get(key) ?? []), one]);
  }
  return [...byNumber.values()].map((versions) => {
    // What was withdrawn isn't what counts, whatever its version.
    const sorted = [...versions].sort((a, b) => Number(a.state === "withdrawn") - Number(b.state === "withdrawn") || b.version - a.version);
    return { newest: sorted[0] as Exhibit, older: sorted.slice(1) };
  });
}

/** Side by side: mine first for a party, then the others in the court's order, what the court collected last. */
export function bySide(data: CaseExhibits, mineFirst = true): { key: string; label: string; label_en: string; isMine: boolean; items: Exhibit[] }[] {
  const order = data.parties.map((party) => party.id);
  const place = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length);
  const sides = new Map<string, { key: string; label: string; label_en: string; isMine: boolean; items: Exhibit[] }>();
  for (const one of data.items) {
    const { key, label, label_en, is_mine: isMine } = one.side;
    const side = sides.get(key) ?? { key, label, label_en, isMine, items: [] };
    side.items.push(one);
    sides.set(key, side);
  }
  return [...sides.values()].sort((a, b) => (mineFirst ? Number(b.isMine) - Number(a.isMine) : 0) || place(a.key) - place(b.key));
}

/** What an opinion lacks before it can be given: every point, and a word why where something is disputed. */
export function opinionFault(answers: Partial<Record<Point, Answer>>, reason: string): "answers" | "reason" | null {
  const given = POINTS.map((point) => answers[point]);
  if (given.some((answer) => answer === undefined)) return "answers";
  const isDisputed = given.some((answer) => answer === "disputed" || answer === "partly");
  return isDisputed && reason.trim() === "" ? "reason" : null;
}
