/** What one may do with a message: the rules of the server, so that no button leads to a refusal. Pure. */

import { isCourt, type MemberRole } from "@/model/space";
import type { LaneEvent } from "@/model/types";

export const MESSAGE_WAYS = ["quote", "copy", "correct", "withdraw", "withhold", "seeWithheld", "readers"] as const;
export type MessageWay = (typeof MESSAGE_WAYS)[number];

export interface WayContext {
  isOwn: boolean;
  role: MemberRole | undefined;
  /** Who has read it is shown to its author. */
  hasReaders: boolean;
  isClosed: boolean;
  nowMs: number;
  correctionS: number;
  withdrawS: number;
}

/** The same number as on the server: more versions are no corrections any more. */
const MAX_CORRECTIONS = 5;

export function waysOf(event: LaneEvent, context: WayContext): MessageWay[] {
  const court = isCourt(context.role);
  if (event.withheld) return court ? ["seeWithheld"] : [];
  const ageS = (context.nowMs - Date.parse(event.server_time)) / 1000;
  const isText = event.type === "text";
  const isLitigationAct = event.body["label"] === "litigation_act";
  const isFree = context.isOwn && !isLitigationAct && !context.isClosed;
  const may: Record<MessageWay, boolean> = {
    quote: !context.isClosed,
    copy: isText,
    correct: isFree && isText && ageS < context.correctionS && (event.corrections?.length ?? 0) < MAX_CORRECTIONS,
    withdraw: isFree && ageS < context.withdrawS,
    withhold: court && !context.isClosed,
    seeWithheld: false,
    readers: context.hasReaders,
  };
  return MESSAGE_WAYS.filter((way) => may[way]);
}
