/**
 * One lane as this page knows it, and the pure rules by which events change it.
 * Applied is only `seq == last + 1`; a higher one waits and is pulled for, a lower one is dropped.
 */

import type { LaneEvent } from "@/model/types";
import { amendEvents } from "./lane_amendments";

export interface LaneLog {
  lane: string;
  epoch: number;
  /** The seq before the oldest event held. */
  floorSeq: number;
  /** The first event that is ours to read: 1, unless we came later and the court said "from now on". */
  firstSeq: number;
  /** The last event applied. */
  lastSeq: number;
  /** The highest seq the server has named. */
  headSeq: number;
  /** Gapless, ascending, `floorSeq + 1 … lastSeq`. */
  events: readonly LaneEvent[];
  /** Came too early: wait for what lies before them. */
  early: readonly LaneEvent[];
  /** Where `prev_hash` does not name the event before: the log was tampered with or damaged. */
  brokenSeq: number | null;
}

/** Early events are only a saving: more of them than this, and the pull brings them again. */
export const EARLY_LIMIT = 200;

export function emptyLog(lane: string, epoch: number, floorSeq = 0, firstSeq = 1): LaneLog {
  return { lane, epoch, floorSeq, firstSeq, lastSeq: floorSeq, headSeq: floorSeq, events: [], early: [], brokenSeq: null };
}

function bySeq(events: readonly LaneEvent[]): LaneEvent[] {
  return [...events].sort((a, b) => a.seq - b.seq);
}

/** Whether there is something before the oldest event held. */
export const hasOlder = (log: LaneLog): boolean => log.floorSeq >= log.firstSeq;

/** Whether the server has events that this log lacks: a pull is due. */
export const isBehind = (log: LaneLog): boolean => log.headSeq > log.lastSeq;

/** The log with these events; the same object when nothing is new. Order and repetition of the input do not matter. */
export function applyEvents(log: LaneLog, incoming: readonly LaneEvent[]): LaneLog {
  const fresh = incoming.filter((event) => event.lane === log.lane && event.seq > log.lastSeq);
  if (fresh.length === 0) return log;
  const applied: LaneEvent[] = [];
  const early: LaneEvent[] = [];
  let { lastSeq, headSeq, brokenSeq } = log;
  let previous = log.events.at(-1);
  for (const event of bySeq([...log.early, ...fresh])) {
    headSeq = Math.max(headSeq, event.seq);
    if (event.seq === lastSeq + 1) {
      if (previous !== undefined && previous.hash !== event.prev_hash) brokenSeq ??= event.seq;
      applied.push(event);
      lastSeq = event.seq;
      previous = event;
    } else if (event.seq > lastSeq && early.at(-1)?.seq !== event.seq) {
      early.push(event);
    }
  }
  return {
    ...log,
    lastSeq,
    headSeq,
    brokenSeq,
    events: applied.length === 0 ? log.events : amendEvents([...log.events, ...applied], applied),
    early: early.slice(0, EARLY_LIMIT),
  };
}

/** The server names its head; a lower one than known changes nothing. */
export function raiseHead(log: LaneLog, headSeq: number): LaneLog {
  return headSeq > log.headSeq ? { ...log, headSeq } : log;
}

/** Older events in front: only those that join without a gap. */
export function prependEvents(log: LaneLog, older: readonly LaneEvent[]): LaneLog {
  const joined: LaneEvent[] = [];
  let { floorSeq, brokenSeq } = log;
  let next = log.events[0];
  for (const event of bySeq(older).reverse()) {
    if (event.lane !== log.lane || event.seq !== floorSeq) continue;
    if (next !== undefined && next.prev_hash !== event.hash) brokenSeq = next.seq;
    joined.unshift(event);
    floorSeq -= 1;
    next = event;
  }
  return joined.length === 0 ? log : { ...log, floorSeq, brokenSeq, events: [...joined, ...log.events] };
}

/** A log that begins with the newest page of the lane. */
export function logFromPage(lane: string, page: { items: readonly LaneEvent[]; head_seq: number; epoch: number; first_seq?: number }): LaneLog {
  const items = bySeq(page.items);
  const first = items[0]?.seq ?? page.head_seq + 1;
  return raiseHead(applyEvents(emptyLog(lane, page.epoch, first - 1, page.first_seq), items), page.head_seq);
}
