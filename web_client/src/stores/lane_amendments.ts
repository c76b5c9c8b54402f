/**
 * What a correction or a tombstone does to the messages before it: one half of the law "snapshot + event = new snapshot".
 * The server's half is `domain/case_space/amended_view.py`; both are held to the same cases by `lane_law.json`.
 */

import type { Correction, LaneEvent, Withheld } from "@/model/types";

/** The number of the message that an event corrects or takes out of sight. */
export function targetSeq(event: LaneEvent): number | null {
  const target = event.body["target"] as { seq?: unknown } | undefined;
  const isAmending = event.type === "correction" || event.type === "tombstone";
  return isAmending && typeof target?.seq === "number" ? target.seq : null;
}

/** The events with what those among them that are `fresh` do to others; the same array when they do nothing. */
export function amendEvents(events: readonly LaneEvent[], fresh: readonly LaneEvent[]): readonly LaneEvent[] {
  let amended = events;
  for (const event of fresh) {
    const seq = targetSeq(event);
    if (seq === null) continue;
    if (event.type === "correction") amended = amended.map((one) => (one.seq === seq ? corrected(one, event) : one));
    else amended = amended.map((one) => hidden(one, seq, event));
  }
  return amended;
}

function corrected(message: LaneEvent, event: LaneEvent): LaneEvent {
  const known = message.corrections ?? [];
  // A page read later than the correction was written tells of it already.
  if (message.withheld || known.some((one) => one.seq === event.seq)) return message;
  const version: Correction = { seq: event.seq, text: String(event.body["text"]), server_time: event.server_time };
  return { ...message, corrections: [...known, version] };
}

/** The message itself, its corrections, and every quotation of it. */
function hidden(one: LaneEvent, seq: number, event: LaneEvent): LaneEvent {
  const isContent = one.seq === seq || (one.type === "correction" && targetSeq(one) === seq);
  if (isContent && !one.withheld) {
    const { corrections: _corrections, quoted: _quoted, ...rest } = one;
    return { ...rest, body: {}, withheld: withheldBy(event) };
  }
  if (one.quoted?.seq !== seq || one.quoted.is_withheld) return one;
  const { duration_ms: _duration, ...quoted } = one.quoted;
  return { ...one, quoted: { ...quoted, excerpt: "", is_withheld: true } };
}

function withheldBy(event: LaneEvent): Withheld {
  const ground = String(event.body["ground"]);
  return {
    seq: event.seq,
    at: event.server_time,
    by: event.sender,
    ground,
    reason: String(event.body["reason"] ?? ""),
    by_author: ground === "withdrawn",
  };
}

/** The words of a text message as they stand now. */
export function textNow(event: LaneEvent): string {
  return event.corrections?.at(-1)?.text ?? String(event.body["text"] ?? "");
}
