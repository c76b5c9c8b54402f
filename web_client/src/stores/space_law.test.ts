import { describe, expect, it } from "vitest";
import type { CaseSpace, LanePage } from "@/model/space";
import law from "./space_law.json";
import { applySaid, type SpaceState, type StateEvents, stateOf } from "./space_state";

interface Snapshot {
  space: Pick<CaseSpace, "lanes" | "receipts">;
  pages: Record<string, LanePage>;
}
interface Case {
  name: string;
  before: Snapshot;
  said: { name: keyof StateEvents; body: never }[];
  after: Snapshot;
}
const cases = law.cases as unknown as Case[];

/** What matters: events, heads, marks. A receipt of nobody's reading is as good as none. */
const seen = ({ logs, receipts }: SpaceState) => ({
  lanes: Object.fromEntries(Object.values(logs).map(({ lane, epoch, lastSeq, headSeq, events, brokenSeq }) => [lane, { epoch, lastSeq, headSeq, events, brokenSeq }])),
  receipts,
});
const start = ({ space, pages }: Snapshot): SpaceState => stateOf(space, pages);

describe("snapshot + events = new snapshot", () => {
  it("covers everything the server says of lanes", () => {
    expect(new Set(cases.flatMap(({ said }) => said.map(({ name }) => name)))).toEqual(new Set(["events_appended", "receipts_updated", "heads_moved", "lanes_left"]));
  });

  it.each(cases)("$name", ({ before, said, after }) => {
    const state = said.reduce((now, { name, body }) => applySaid(now, name, body), start(before));
    expect(seen(state)).toEqual(seen(start(after)));
  });

  it.each(cases)("$name, said twice and out of order", ({ before, said, after }) => {
    const shuffled = [...said].reverse().concat(said);
    const state = shuffled.reduce((now, { name, body }) => applySaid(now, name, body), start(before));
    expect(seen(state)).toEqual(seen(start(after)));
  });
});
