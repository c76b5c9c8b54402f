import { describe, expect, it } from "vitest";
import { emptyDraft, plainRow, regionOf, rowOf } from "./redactions";

describe("rows of a list of redactions", () => {
  it("are taken when whole and inside the film", () => {
    expect(rowOf({ ...emptyDraft("mute"), from: "1.5", until: "3", personId: "per_1" }, 10)).toEqual({ kind: "mute", from_s: 1.5, until_s: 3, person_id: "per_1" });
    expect(rowOf({ ...emptyDraft("cut"), from: "1", until: "10.9" }, 10)).not.toBeNull();
    expect(rowOf({ ...emptyDraft("name"), name: " 张三 ", substitute: "张某" }, 10)).toEqual({ kind: "name", name: "张三", substitute: "张某" });
  });

  it.each([
    { ...emptyDraft("mute"), from: "1", until: "2" },
    { ...emptyDraft("cut"), from: "2", until: "2" },
    { ...emptyDraft("cut"), from: "", until: "2" },
    { ...emptyDraft("cut"), from: "1e1", until: "12" },
    { ...emptyDraft("cut"), from: "1", until: "12" },
    { ...emptyDraft("region"), from: "1", until: "2" },
    { ...emptyDraft("name"), name: "张三", substitute: "张三某" },
  ])("are refused when they would hide nothing", (draft) => {
    expect(rowOf(draft, 10)).toBeNull();
  });

  it("keep only what their kind needs", () => {
    expect(plainRow({ kind: "cut", from_s: 1, until_s: 2, person_id: null, x: null })).toEqual({ kind: "cut", from_s: 1, until_s: 2 });
  });

  it("take a rectangle drawn in any direction, inside the picture", () => {
    expect(regionOf({ x: 0.5, y: 0.75 }, { x: 0.25, y: -1 })).toEqual({ x: 0.25, y: 0, width: 0.25, height: 0.75 });
    expect(regionOf({ x: 0.5, y: 0.5 }, { x: 0.5, y: 0.6 })).toBeNull();
  });
});
