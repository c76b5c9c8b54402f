import { describe, expect, it } from "vitest";
import type { Replay } from "@/model/types";
import { currentRow, filmTime, noteRows, speechRows } from "./replay_rows";

const replay = {
  notes: [
    { at_s: 0, at: "2026-11-22T06:00:00Z", kind: "hearing.opened", people: [] },
    { at_s: 24.9, at: "2026-11-22T06:00:25Z", kind: "hearing.recessed", people: [] },
    { at_s: 40, at: "2026-11-22T06:10:00Z", kind: "participant.removed", people: ["周明远"] },
  ],
  chapters: [
    { from_s: 0, until_s: 24.9, kind: "hearing", reason: "" },
    { from_s: 24.9, until_s: 27.9, kind: "pause", reason: "recess" },
    { from_s: 30, until_s: 33, kind: "sealed", reason: "sealed" },
  ],
  speech: [
    { name: "林书瑶", from_s: 1, until_s: 3 },
    { name: "林书瑶", from_s: 4.5, until_s: 6 },
    { name: "周明远", from_s: 6, until_s: 8 },
    { name: "林书瑶", from_s: 20, until_s: 21 },
  ],
} as unknown as Replay;

describe("moments of a film", () => {
  it("tells acts and cards in the film's order, and a recess once", () => {
    expect(noteRows(replay).map((row) => [row.at_s, row.words])).toEqual([
      [0, "acts.hearing.opened"],
      [24.9, "acts.hearing.recessed"],
      [30, "recordings.card.sealed"],
      [40, "acts.participant.removed"],
    ]);
  });

  it("joins what one person says with a breath between, and nothing else", () => {
    expect(speechRows(replay).map((row) => [row.at_s, row.people[0]])).toEqual([
      [1, "林书瑶"],
      [6, "周明远"],
      [20, "林书瑶"],
    ]);
  });

  it("knows which row the film is at", () => {
    const rows = noteRows(replay);
    expect([currentRow(rows, 0), currentRow(rows, 29), currentRow(rows, 99)]).toEqual([0, 1, 3]);
    expect(currentRow([], 5)).toBe(-1);
  });

  it("writes times as players do", () => {
    expect([filmTime(3.9), filmTime(63), filmTime(3723)]).toEqual(["0:03", "1:03", "1:02:03"]);
  });
});
