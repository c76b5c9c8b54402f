import { readBroadcast, respondToBroadcast } from "@/api/broadcasts";
import { readPublication, respondToPublication } from "@/api/recordings";
import type { Broadcast } from "@/model/broadcast";
import type { PartyResponse, Publication } from "@/model/types";

export type NoticeKind = "publication" | "broadcast";
/** What a party is told of and asked about: a recording to be published, or a hearing to be broadcast. */
export interface Notice {
  kind: NoticeKind;
  /** Of the publication; of the hearing, for its broadcast. */
  id: string;
  title: string;
  case_number: string;
  held_on: string;
  state: string;
  objections_until: string | null;
  own: PartyResponse | null;
}

const of = (kind: NoticeKind, id: string, one: Publication | Broadcast): Notice => ({
  kind,
  id,
  title: one.title,
  case_number: one.case_number,
  held_on: one.held_on,
  state: one.state,
  objections_until: one.objections_until,
  // A party is shown its own word and no other.
  own: one.responses[0] ?? null,
});
export const noticeOfPublication = (one: Publication): Notice => of("publication", one.id, one);
export const noticeOfBroadcast = (one: Broadcast): Notice => of("broadcast", one.hearing_id, one);

export async function readNotice(kind: NoticeKind, id: string): Promise<Notice | null> {
  if (kind === "publication") return noticeOfPublication(await readPublication(id));
  const broadcast = await readBroadcast(id);
  return broadcast && noticeOfBroadcast(broadcast);
}

export async function respondTo(kind: NoticeKind, id: string, objects: boolean, reason: string): Promise<Notice> {
  return kind === "publication"
    ? noticeOfPublication(await respondToPublication(id, objects, reason))
    : noticeOfBroadcast(await respondToBroadcast(id, objects, reason));
}

export const isWaiting = (one: Notice): boolean => one.state === "submitted";
export const isOver = (one: Notice, nowMs: number): boolean => one.objections_until === null || Date.parse(one.objections_until) < nowMs;
/** Until the limit, and until the court has answered. */
export const maySpeak = (one: Notice, nowMs: number): boolean => isWaiting(one) && !isOver(one, nowMs) && one.own?.upheld == null;
