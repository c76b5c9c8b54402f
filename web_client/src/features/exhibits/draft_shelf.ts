/** A draft being written, kept on this device at every keystroke: a camera, a call or a crash must not lose it. */

import { EXHIBIT_KINDS, type ExhibitKind, type Form, type Ground, GROUNDS } from "@/model/exhibit";
import type { DraftFile } from "./draft_files";

export interface ShelvedDraft {
  title: string;
  kind: ExhibitKind;
  source: string;
  purpose: string;
  form: Form;
  files: DraftFile[];
  isSealed: boolean;
  ground: Ground;
  groundReason: string;
  partyId: string | null;
  step: 1 | 2 | 3;
}

export const EMPTY: ShelvedDraft = {
  title: "", kind: "document", source: "", purpose: "", form: "copy", files: [], isSealed: false, ground: "trade_secret", groundReason: "", partyId: null, step: 1,
};

const keyOf = (person: string, place: string): string => `hs_exhibit:${person}:${place}`;
const isText = (value: unknown): value is string => typeof value === "string";

/** What was kept, if it still has the shape we write. Pure. */
export function draftFromText(kept: string | null): ShelvedDraft | null {
  if (kept === null) return null;
  try {
    const found: unknown = JSON.parse(kept);
    if (typeof found !== "object" || found === null) return null;
    const draft = { ...EMPTY, ...(found as Partial<ShelvedDraft>) };
    const isSound =
      [draft.title, draft.source, draft.purpose, draft.groundReason].every(isText) &&
      EXHIBIT_KINDS.includes(draft.kind) &&
      GROUNDS.includes(draft.ground) &&
      Array.isArray(draft.files) &&
      draft.files.every((file) => isText(file.attachment_id) && isText(file.name));
    return isSound ? draft : null;
  } catch {
    return null;
  }
}

export function readShelf(person: string, place: string): ShelvedDraft | null {
  try {
    return draftFromText(localStorage.getItem(keyOf(person, place)));
  } catch {
    return null;
  }
}

export function keepOnShelf(person: string, place: string, draft: ShelvedDraft | null): void {
  try {
    if (draft === null) localStorage.removeItem(keyOf(person, place));
    else localStorage.setItem(keyOf(person, place), JSON.stringify(draft));
  } catch {
    // Without storage a draft lasts as long as the page.
  }
}
