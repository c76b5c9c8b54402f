import { describe, expect, it } from "vitest";
import { bySide, type CaseExhibits, type Exhibit, inVersions, opinionFault, opinionOf } from "./exhibit";

const exhibit = (parts: Partial<Exhibit>): Exhibit =>
  ({
    id: "exh_1", number: "原告证1", version: 1, state: "submitted", opinions: [],
    side: { key: "pty_a", label: "原告", label_en: "Plaintiff", party_ids: ["pty_a"], is_mine: false },
    ...parts,
  }) as Exhibit;

describe("exhibits", () => {
  it("show the newest version of a number first, and a withdrawn one last", () => {
    const items = [exhibit({ id: "a" }), exhibit({ id: "b", version: 2 }), exhibit({ id: "c", version: 3, state: "withdrawn" }), exhibit({ id: "d", number: null })];
    const shown = inVersions(items).map(({ newest, older }) => [newest.id, older.map((one) => one.id)]);
    expect(shown).toEqual([["b", ["a", "c"]], ["d", []]]);
  });

  it("stand mine first, then in the court's order, what the court collected last", () => {
    const side = (key: string, is_mine = false): Exhibit["side"] => ({ key, label: key, label_en: key, party_ids: [], is_mine });
    const items = [exhibit({ side: side("court") }), exhibit({ side: side("pty_a") }), exhibit({ side: side("pty_c", true) }), exhibit({ side: side("pty_b") })];
    const parties = ["pty_a", "pty_b", "pty_c"].map((id) => ({ id, name: "", label: "", label_en: "" }));
    const data = { items, parties } as unknown as CaseExhibits;
    expect(bySide(data).map((one) => one.key)).toEqual(["pty_c", "pty_a", "pty_b", "court"]);
  });

  it("count the newest opinion of a party", () => {
    const said = (id: string, party: string): Exhibit["opinions"][number] => ({ id, party_ids: [party] }) as Exhibit["opinions"][number];
    const one = exhibit({ opinions: [said("1", "pty_b"), said("2", "pty_c"), said("3", "pty_b")] });
    expect([opinionOf(one, "pty_b")?.id, opinionOf(one, "pty_c")?.id, opinionOf(one, "pty_d")]).toEqual(["3", "2", null]);
  });

  it("need every answer, and a reason where something is disputed", () => {
    const accepted = { authenticity: "accepted", legality: "accepted", relevance: "none", purpose: "accepted" } as const;
    expect(opinionFault({ authenticity: "accepted" }, "x")).toBe("answers");
    expect(opinionFault(accepted, "")).toBeNull();
    expect(opinionFault({ ...accepted, purpose: "partly" }, "  ")).toBe("reason");
    expect(opinionFault({ ...accepted, purpose: "partly" }, "金额不对")).toBeNull();
  });
});
