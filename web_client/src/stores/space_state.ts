/**
 * What a page knows of its lanes, and what each thing the server says makes of it. Pure: snapshot + events = new snapshot,
 * held to the server's own cases by `space_law.json`.
 */

import type { CaseSpace, LanePage, Receipt } from "@/model/space";
import type { CaseEvents } from "@/wire/case_link";
import { applyEvents, type LaneLog, logFromPage, raiseHead } from "./lane_log";

export interface SpaceState {
  logs: Readonly<Record<string, LaneLog>>;
  receipts: Readonly<Record<string, Readonly<Record<string, Receipt>>>>;
}
export type StateEvents = Pick<CaseEvents, "events_appended" | "receipts_updated" | "heads_moved" | "lanes_left">;

/** The state as HTTP gives it: who has read how far, and each lane's newest page. */
export function stateOf(space: Pick<CaseSpace, "lanes" | "receipts">, pages: Readonly<Record<string, LanePage>>): SpaceState {
  const logs = space.lanes.flatMap(({ lane }) => (pages[lane] ? [[lane, logFromPage(lane, pages[lane])] as const] : []));
  const receipts = space.lanes.map(({ lane }) => [lane, Object.fromEntries((space.receipts[lane] ?? []).map((one) => [one.person_id, one]))] as const);
  return { logs: Object.fromEntries(logs), receipts: Object.fromEntries(receipts) };
}

/** Marks only rise, in whatever order devices report. */
export function mergeReceipt(receipts: SpaceState["receipts"], lane: string, next: Receipt): SpaceState["receipts"] {
  const known = receipts[lane]?.[next.person_id];
  const delivered = Math.max(known?.delivered_seq ?? 0, next.delivered_seq);
  const read = Math.max(known?.read_seq ?? 0, next.read_seq);
  return { ...receipts, [lane]: { ...receipts[lane], [next.person_id]: { person_id: next.person_id, delivered_seq: delivered, read_seq: read } } };
}

const without = <T>(all: Readonly<Record<string, T>>, lanes: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(all).filter(([lane]) => !lanes.includes(lane)));

/** Closed to us: nothing that was read there stays. */
export const dropLanes = (state: SpaceState, lanes: readonly string[]): SpaceState => ({ logs: without(state.logs, lanes), receipts: without(state.receipts, lanes) });

/** The state after one thing the server said. What it doesn't know it leaves as it was. */
export function applySaid<E extends keyof StateEvents>(state: SpaceState, name: E, said: StateEvents[E]): SpaceState {
  if (name === "lanes_left") return dropLanes(state, (said as StateEvents["lanes_left"]).lanes);
  if (name === "receipts_updated") {
    const { lane, ...receipt } = said as StateEvents["receipts_updated"];
    return state.logs[lane] ? { ...state, receipts: mergeReceipt(state.receipts, lane, receipt) } : state;
  }
  const logs = { ...state.logs };
  if (name === "events_appended") {
    const { lane, epoch, events } = said as StateEvents["events_appended"];
    const log = logs[lane];
    if (log && log.epoch === epoch) logs[lane] = applyEvents(log, events);
  } else {
    for (const [lane, head] of Object.entries((said as StateEvents["heads_moved"]).heads)) if (logs[lane]) logs[lane] = raiseHead(logs[lane], head);
  }
  return { ...state, logs };
}
