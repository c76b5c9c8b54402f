import { describe, expect, it } from "vitest";
import type { LaneEvent } from "@/model/types";
import { amendEvents, textNow } from "./lane_amendments";
import { applyEvents, emptyLog } from "./lane_log";
import law from "./lane_law.json";

/** Written by `tests/unit/domain/test_amendments.py` from the server's own views. */
const cases = law.cases as unknown as { name: string; before: LaneEvent[]; event: LaneEvent; after: LaneEvent[] }[];

describe("snapshot + event = new snapshot", () => {
  it.each(cases.map((one) => [one.name, one] as const))("%s", (_, { before, event, after }) => {
    const log = applyEvents(emptyLog("lan_1", 1), before);
    expect(applyEvents(log, [event]).events).toEqual(after);
    expect(applyEvents(log, [event]).brokenSeq).toBeNull();
  });

  it("holds for many events at once, and for those that come twice", () => {
    const last = cases.at(-1)!;
    const all = cases.map(({ event }) => event);
    expect(applyEvents(applyEvents(emptyLog("lan_1", 1), all), all).events).toEqual(last.after);
  });

  it("leaves the array alone where nothing is amended", () => {
    const plain = cases[0]!.after;
    expect(amendEvents(plain, plain)).toBe(plain);
  });

  it("tells the newest words of a text", () => {
    const corrected = cases.find(({ name }) => name.startsWith("9 "))!.after[0]!;
    expect([textNow(corrected), textNow(cases[0]!.after[0]!)]).toEqual(["借款一万二千元", "借款十万元"]);
  });
});
