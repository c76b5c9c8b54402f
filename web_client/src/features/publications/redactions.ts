import type { Redaction, RedactionKind } from "@/model/types";

/** A row while it is typed. Seconds as text, so that an empty field is an empty field. */
export interface RedactionDraft {
  kind: RedactionKind;
  from: string;
  until: string;
  personId: string;
  region: { x: number; y: number; width: number; height: number } | null;
  name: string;
  substitute: string;
}
export const KINDS: RedactionKind[] = ["mute", "mask", "region", "cut", "name"];
export const emptyDraft = (kind: RedactionKind = "mute"): RedactionDraft => ({ kind, from: "", until: "", personId: "", region: null, name: "", substitute: "" });

const seconds = (text: string): number => (/^\d+(\.\d+)?$/.test(text.trim()) ? Math.round(Number(text) * 1000) / 1000 : Number.NaN);

/** The row of a complete draft; null while something is missing or lies outside the film. */
export function rowOf(draft: RedactionDraft, durationS: number): Redaction | null {
  const { kind } = draft;
  if (kind === "name") {
    const [name, substitute] = [draft.name.trim(), draft.substitute.trim()];
    return name === "" || substitute === "" || substitute.includes(name) ? null : { kind, name, substitute };
  }
  const [from, until] = [seconds(draft.from), seconds(draft.until)];
  if (!(from >= 0 && until > from && until <= durationS + 1)) return null;
  const span = { from_s: from, until_s: until };
  if (kind === "cut") return { kind, ...span };
  if (kind === "region") return draft.region ? { kind, ...span, ...draft.region } : null;
  return draft.personId === "" ? null : { kind, ...span, person_id: draft.personId };
}

/** Only what the kind needs: what came from the server has every field, most of them null. */
export function plainRow(row: Redaction): Redaction {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined)) as unknown as Redaction;
}

/** The rectangle between two corners in shares of a box, whichever way it was drawn; null for a mere click. */
export function regionOf(a: { x: number; y: number }, b: { x: number; y: number }): RedactionDraft["region"] {
  const clip = (value: number): number => Math.min(Math.max(value, 0), 1);
  const [left, right] = [clip(Math.min(a.x, b.x)), clip(Math.max(a.x, b.x))];
  const [top, bottom] = [clip(Math.min(a.y, b.y)), clip(Math.max(a.y, b.y))];
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  const region = { x: round(left), y: round(top), width: round(right - left), height: round(bottom - top) };
  return region.width < 0.01 || region.height < 0.01 || region.x >= 1 || region.y >= 1 ? null : region;
}
