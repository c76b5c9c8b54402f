/** What the message list shows, row by row. Pure: events, messages on their way, and where reading stopped come in. */

import { courtDay } from "@/model/format";
import type { LaneEvent } from "@/model/types";
import { targetSeq } from "@/stores/lane_amendments";
import type { OutboxEntry } from "@/stores/outbox";

export interface DayRow {
  kind: "day";
  key: string;
  at: string;
}
export interface UnreadRow {
  kind: "unread";
  key: string;
}
interface EventParts {
  key: string;
  event: LaneEvent;
  isOwn: boolean;
  /** Goes on from the row above: same sender, few minutes later. The plate is not repeated. */
  isFollowing: boolean;
}
export interface MessageRow extends EventParts {
  kind: "message";
}
export interface CardRow extends EventParts {
  kind: "card";
}
/** A correction or a tombstone: one quiet line that leads to its message. */
export interface NoticeRow {
  kind: "notice";
  key: string;
  event: LaneEvent;
  /** The message it speaks of; null where that is not told any more. */
  targetSeq: number | null;
}
export interface PendingRow {
  kind: "pending";
  key: string;
  entry: OutboxEntry;
}
export type Row = DayRow | UnreadRow | MessageRow | CardRow | NoticeRow | PendingRow;

const FOLLOWS_WITHIN_MS = 5 * 60_000;

export interface RowsInput {
  events: readonly LaneEvent[];
  entries: readonly OutboxEntry[];
  lane: string;
  me: string;
  /** Read up to here when the page was opened; null shows no mark. */
  unreadAfter: number | null;
}

const isNotice = (event: LaneEvent): boolean => event.type === "correction" || event.type === "tombstone";

function follows(previous: LaneEvent | null, event: LaneEvent): boolean {
  if (previous === null || previous.type === "card" || isNotice(previous) || previous.sender?.person_id !== event.sender?.person_id) return false;
  return Date.parse(event.server_time) - Date.parse(previous.server_time) < FOLLOWS_WITHIN_MS;
}

export function messageRows({ events, entries, lane, me, unreadAfter }: RowsInput): Row[] {
  const rows: Row[] = [];
  let day = "";
  let previous: LaneEvent | null = null;
  let isMarked = unreadAfter === null;
  for (const event of events) {
    const isOwn = event.sender?.person_id === me;
    const eventDay = courtDay(event.server_time);
    if (eventDay !== day) {
      rows.push({ kind: "day", key: `day-${eventDay}`, at: event.server_time });
      day = eventDay;
      previous = null;
    }
    if (!isMarked && !isOwn && event.seq > (unreadAfter ?? 0)) {
      rows.push({ kind: "unread", key: "unread" });
      isMarked = true;
      previous = null;
    }
    if (isNotice(event)) {
      rows.push({ kind: "notice", key: event.event_id, event, targetSeq: targetSeq(event) });
      previous = event;
      continue;
    }
    const isCard = event.type === "card" || event.sender === null;
    rows.push({
      kind: isCard ? "card" : "message",
      key: event.event_id,
      event,
      isOwn,
      isFollowing: !isCard && follows(previous, event),
    });
    previous = event;
  }
  const arrived = new Set(events.map(({ client_id: id }) => id));
  for (const entry of entries) {
    if (entry.lane === lane && !arrived.has(entry.clientId)) rows.push({ kind: "pending", key: entry.clientId, entry });
  }
  return rows;
}
