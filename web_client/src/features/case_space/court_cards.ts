/** What a court card offers: at most one way on, fitting who reads it and how the hearing stands now. Pure. */

import type { RouteLocationRaw } from "vue-router";
import type { HearingState } from "@/model/types";

export const CARDS = [
  "case_filed",
  "case_accepted",
  "hearing_moved",
  "transcript_to_sign",
  "judgment_served",
  "hearing_scheduled",
  "hearing_starting_soon",
  "hearing_opened",
  "hearing_closed",
  "hearing_reopened",
  "hearing_cancelled",
  "recording_available",
  "reminder_issued",
  "publication_applied",
  "broadcast_applied",
  "exhibit_sealed",
  "exhibits_exchanged",
] as const;
export type CardKind = (typeof CARDS)[number];

export interface CardAction {
  /** Key below `case_space.card`. */
  word: "enterLobby" | "enterRoom" | "prepare" | "seeHearing" | "watch" | "seeProgress" | "seeText" | "seePublication" | "seeCase" | "seeExhibits";
  to?: RouteLocationRaw;
  /** Done on this page instead of another. */
  here?: { film?: string; board?: true; reminder?: string };
}

export interface CardReader {
  isStaff: boolean;
  /** How the named hearing stands now; null when not known. */
  hearingState: HearingState | null;
  /** The reader sits in this hearing already: the card is seen in its drawer. */
  inHearing: string | null;
  /** The case the card stands in. */
  caseId?: string;
  /** Reminders whose words this page can show to the reader. */
  ownReminders: ReadonlySet<string>;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

export function cardKind(body: Record<string, unknown>): CardKind | null {
  return CARDS.find((kind) => kind === body["card"]) ?? null;
}

function hearingAction(id: string, reader: CardReader): CardAction | null {
  const params = { id };
  const isOn = reader.hearingState === "in_session" || reader.hearingState === "recess";
  if (reader.inHearing === id || reader.hearingState === "cancelled") return null;
  if (reader.hearingState === "closed") return reader.isStaff ? { word: "seeHearing", to: { name: "desk-hearing", params } } : null;
  if (!reader.isStaff) return { word: isOn ? "enterRoom" : "enterLobby", to: { name: "lobby", params } };
  return isOn ? { word: "enterRoom", to: { name: "room", params } } : { word: "prepare", to: { name: "desk-hearing", params } };
}

export function cardAction(body: Record<string, unknown>, reader: CardReader): CardAction | null {
  const kind = cardKind(body);
  if (kind === null) return null;
  if (kind === "case_filed" || kind === "case_accepted" || kind === "transcript_to_sign" || kind === "judgment_served") {
    return reader.inHearing === null && reader.caseId ? { word: "seeCase", to: { name: "case-progress", params: { id: reader.caseId } } } : null;
  }
  if (kind === "recording_available") {
    const id = text(body["recording_id"]);
    // In the room a page must not be left: the film plays over it.
    if (reader.isStaff && reader.inHearing === null) return { word: "watch", to: { name: "recording", params: { id } } };
    return { word: "watch", here: { film: id } };
  }
  if (kind === "reminder_issued") {
    const id = text(body["reminder_id"]);
    if (reader.isStaff) return { word: "seeProgress", here: { board: true } };
    return reader.ownReminders.has(id) ? { word: "seeText", here: { reminder: id } } : null;
  }
  if (kind === "publication_applied") {
    // Nobody is led out of the room.
    if (reader.inHearing !== null) return null;
    return { word: "seePublication", to: { name: reader.isStaff ? "publication" : "publication-notice", params: { id: text(body["publication_id"]) } } };
  }
  if (kind === "exhibit_sealed" || kind === "exhibits_exchanged") {
    if (reader.inHearing !== null) return null;
    const to = kind === "exhibit_sealed" ? { name: "exhibit", params: { id: text(body["exhibit_id"]) } } : { name: reader.isStaff ? "desk-exhibits" : "exhibits", params: { id: text(body["case_id"]) } };
    return { word: "seeExhibits", to };
  }
  if (kind === "broadcast_applied") {
    if (reader.inHearing !== null) return null;
    return { word: "seePublication", to: { name: reader.isStaff ? "desk-hearing" : "broadcast-notice", params: { id: text(body["hearing_id"]) } } };
  }
  return hearingAction(text(body["hearing_id"]), reader);
}
