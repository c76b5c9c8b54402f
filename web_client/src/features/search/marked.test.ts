import { describe, expect, it } from "vitest";
import { runsOf } from "./marked";

describe("runsOf", () => {
  it("cuts at every mark and loses nothing", () => {
    const runs = runsOf("请补交转账凭证", [[3, 7]]);
    expect(runs).toEqual([
      { text: "请补交", isMarked: false },
      { text: "转账凭证", isMarked: true },
    ]);
  });
  it("counts characters beyond the basic plane once", () => {
    const runs = runsOf("𠮷田的证据", [[3, 5]]);
    expect(runs.find((run) => run.isMarked)?.text).toBe("证据");
    expect(runs.map((run) => run.text).join("")).toBe("𠮷田的证据");
  });
  it("takes a text without marks as it is", () => {
    expect(runsOf("a", [])).toEqual([{ text: "a", isMarked: false }]);
  });
});
