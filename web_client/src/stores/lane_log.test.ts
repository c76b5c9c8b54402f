import { describe, expect, it } from "vitest";
import type { LaneEvent } from "@/model/types";
import { applyEvents, EARLY_LIMIT, emptyLog, isBehind, logFromPage, prependEvents, raiseHead } from "./lane_log";

const event = (seq: number, lane = "lan_1"): LaneEvent => ({
  lane,
  seq,
  event_id: `evt_${seq}`,
  type: "text",
  sender: null,
  client_id: null,
  body: { text: `no. ${seq}` },
  server_time: "2026-11-22T05:00:00Z",
  prev_hash: `h${seq - 1}`,
  hash: `h${seq}`,
});
const events = (...seqs: number[]): LaneEvent[] => seqs.map((seq) => event(seq));
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
const seqs = (log: { events: readonly LaneEvent[] }): number[] => log.events.map(({ seq }) => seq);

/** A seeded shuffle: a failing order can be run again. */
function shuffled<T>(items: T[], seed: number): T[] {
  const out = [...items];
  let state = seed;
  for (let index = out.length - 1; index > 0; index -= 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const other = state % (index + 1);
    [out[index], out[other]] = [out[other] as T, out[index] as T];
  }
  return out;
}

describe("lane log", () => {
  it("applies what comes next and drops what it has", () => {
    const log = applyEvents(emptyLog("lan_1", 1), events(1, 2, 3));
    expect(seqs(log)).toEqual([1, 2, 3]);
    expect(applyEvents(log, events(1, 3))).toBe(log);
    expect(isBehind(log)).toBe(false);
  });

  it("keeps an early event, wants a pull, and applies it once the gap is filled", () => {
    const gapped = applyEvents(emptyLog("lan_1", 1), events(1, 3, 4));
    expect(seqs(gapped)).toEqual([1]);
    expect(gapped.early.map(({ seq }) => seq)).toEqual([3, 4]);
    expect(isBehind(gapped)).toBe(true);
    const healed = applyEvents(gapped, events(2));
    expect(seqs(healed)).toEqual([1, 2, 3, 4]);
    expect(healed.early).toEqual([]);
    expect(isBehind(healed)).toBe(false);
  });

  it("does not keep an early event twice", () => {
    const log = applyEvents(applyEvents(emptyLog("lan_1", 1), events(5, 5)), events(5));
    expect(log.early).toHaveLength(1);
  });

  it("ends the same whatever the order, the pieces and the repetition", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const arriving = shuffled([...events(...upTo(12)), ...events(3, 7, 7, 12, 1)], seed);
      let log = emptyLog("lan_1", 1);
      for (let at = 0; at < arriving.length; at += 1 + (seed % 4)) log = applyEvents(log, arriving.slice(at, at + 1 + (seed % 4)));
      expect(seqs(log), `seed ${seed}`).toEqual(upTo(12));
      expect(log.brokenSeq, `seed ${seed}`).toBeNull();
      expect(isBehind(log)).toBe(false);
    }
  });

  it("bounds what waits, keeping the nearest", () => {
    const log = applyEvents(emptyLog("lan_1", 1), events(...upTo(EARLY_LIMIT + 50).map((seq) => seq + 1)));
    expect(log.early).toHaveLength(EARLY_LIMIT);
    expect(log.early[0]?.seq).toBe(2);
    expect(isBehind(log)).toBe(true);
  });

  it("takes no event of another lane", () => {
    const log = emptyLog("lan_1", 1);
    expect(applyEvents(log, [event(1, "lan_2")])).toBe(log);
  });

  it("learns from a head that something was lost on the way", () => {
    const log = applyEvents(emptyLog("lan_1", 1), events(1));
    expect(isBehind(raiseHead(log, 2))).toBe(true);
    expect(raiseHead(log, 1)).toBe(log);
  });

  it("begins with the newest page and grows backwards without a gap", () => {
    const log = logFromPage("lan_1", { items: events(9, 8, 10), head_seq: 10, epoch: 3 });
    expect([log.floorSeq, log.lastSeq, log.epoch]).toEqual([7, 10, 3]);
    const older = prependEvents(log, events(5, 6, 7));
    expect(seqs(older)).toEqual([5, 6, 7, 8, 9, 10]);
    expect(prependEvents(older, events(1, 2))).toBe(older);
    expect(older.brokenSeq).toBeNull();
  });

  it("begins empty where the lane is empty", () => {
    const log = logFromPage("lan_1", { items: [], head_seq: 0, epoch: 1 });
    expect([log.floorSeq, log.lastSeq]).toEqual([0, 0]);
    expect(seqs(applyEvents(log, events(1)))).toEqual([1]);
  });

  it("says where the chain of hashes does not hold", () => {
    const forged = { ...event(2), prev_hash: "another" };
    expect(applyEvents(emptyLog("lan_1", 1), [event(1), forged, event(3)]).brokenSeq).toBe(2);
    const page = logFromPage("lan_1", { items: events(5), head_seq: 5, epoch: 1 });
    expect(prependEvents(page, [{ ...event(4), hash: "another" }]).brokenSeq).toBe(5);
  });
});
