import { describe, expect, it } from "vitest";
import type { Hearing, HearingPerson } from "@/model/types";
import { doorStep, nextConsent, stageOf } from "@/features/lobby/door_step";
import { waitingSentence } from "@/features/lobby/waiting_words";
import { roomPlace } from "./room_place";
import { bestGrid, inOrderOfSharing, nextSpeaker, type StageFacts, stageLayout as layOut } from "./stage_layout";

const person = (person_id: string, role: HearingPerson["role"], more: Partial<HearingPerson> = {}): HearingPerson => ({
  person_id,
  name: person_id,
  role,
  standing: null,
  label: "",
  label_en: "",
  presence: "present",
  connection: "connected",
  page: "visible",
  facts: { rtt_ms: null, loss_pct: null, transport: null, since: null },
  microphone: "on",
  camera: "on",
  screen: "off",
  identity_checked: true,
  consents: { online_hearing: "granted", recording: "granted" },
  self_test: "passed",
  waiting_since: null,
  ...more,
});
const hearing = (me: string, people: HearingPerson[], more: Partial<Hearing> = {}): Hearing => ({
  id: "hrg",
  version: 1,
  case: { id: "cas", number: "", cause: "" },
  title: "",
  court: { name: "", name_en: "" },
  state: "in_session",
  starts_at: "2026-11-22T06:00:00Z",
  duration_min: 60,
  openness: "open",
  closed_doors: null,
  opened_at: null,
  recess: null,
  closed_at: null,
  undo_close_until: null,
  in_session_s: 0,
  recording: { state: "idle", verified_s: 0, alarm: null, proven_at: null, recorders: null },
  speaker: null,
  people,
  me: { person_id: me, may: [] },
  ...more,
});
const COURT = [person("judge", "judge"), person("clerk", "clerk"), person("pl", "party"), person("de", "party"), person("rep", "representative")];

const stageLayout = (facts: Pick<StageFacts, "hearing" | "speaker" | "equalUpTo"> & Partial<StageFacts>) => layOut({ screens: [], isWide: false, ...facts });

describe("the stage", () => {
  it("shows the bench everybody alike while they fit", () => {
    expect(stageLayout({ hearing: hearing("judge", COURT), speaker: "pl", equalUpTo: 4 })).toEqual({ screen: null, large: ["clerk", "pl", "de", "rep"], small: [] });
  });
  it("shows a party the judge and whoever speaks, the others small", () => {
    expect(stageLayout({ hearing: hearing("pl", COURT), speaker: "rep", equalUpTo: 2 })).toEqual({ screen: null, large: ["judge", "rep"], small: ["clerk", "de"] });
  });
  it("fills the second place with the other side while the judge speaks or nobody does", () => {
    for (const speaker of [null, "judge", "somebody who left"]) {
      expect(stageLayout({ hearing: hearing("pl", COURT), speaker, equalUpTo: 2 }).large).toEqual(["judge", "de"]);
    }
  });
  it("leaves out who is not in the room, keeps who was only lost", () => {
    const people = [COURT[0]!, person("pl", "party", { presence: "waiting" }), person("de", "party", { connection: "lost" })];
    expect(stageLayout({ hearing: hearing("judge", people), speaker: null, equalUpTo: 4 }).large).toEqual(["de"]);
  });
  it("gives a shown screen the stage: all of a wide one, the top of an upright one, above any speaker", () => {
    const facts = { hearing: hearing("judge", COURT), speaker: "pl", equalUpTo: 4, screens: ["pl", "de"] };
    expect(stageLayout({ ...facts, isWide: true })).toEqual({ screen: "de", large: [], small: ["clerk", "pl", "de", "rep"] });
    expect(stageLayout({ ...facts, hearing: hearing("rep", COURT) })).toEqual({ screen: "de", large: ["judge", "pl"], small: ["clerk", "de"] });
  });
  it("does not show one's own screen to oneself, nor that of somebody who left", () => {
    expect(stageLayout({ hearing: hearing("pl", COURT), speaker: null, equalUpTo: 2, screens: ["pl"] }).screen).toBeNull();
    expect(stageLayout({ hearing: hearing("pl", COURT), speaker: null, equalUpTo: 2, screens: ["gone"] }).screen).toBeNull();
  });
  it("puts the newest screen on top and the one before back when it ends", () => {
    expect(inOrderOfSharing([], ["de"])).toEqual(["de"]);
    expect(inOrderOfSharing(["de"], ["pl", "de"])).toEqual(["de", "pl"]);
    expect(inOrderOfSharing(["de", "pl"], ["de"])).toEqual(["de"]);
  });
  it("never makes oneself the large picture, nor forgets the last speaker in a pause", () => {
    expect(nextSpeaker("de", null, "pl")).toBe("de");
    expect(nextSpeaker("de", "pl", "pl")).toBe("de");
    expect(nextSpeaker("de", "rep", "pl")).toBe("rep");
  });
  it("arranges wide pictures so that they are largest", () => {
    expect(bestGrid(2, 1040, 740).columns).toBe(1);
    expect(bestGrid(2, 1040, 400).columns).toBe(2);
    expect(bestGrid(4, 1040, 740).columns).toBe(2);
    expect(bestGrid(2, 374, 640).columns).toBe(1);
    expect(bestGrid(0, 374, 640).columns).toBe(1);
  });
});

describe("the door", () => {
  const at = (me: Partial<HearingPerson>, more: Partial<Hearing> = {}, facts: { canTakePart?: boolean; isTestDone?: boolean } = {}) => {
    const self = person("pl", "party", { presence: "checking", self_test: null, ...me });
    return doorStep({ hearing: hearing("pl", [self], { state: "lobby", ...more }), me: self, canTakePart: facts.canTakePart ?? true, isTestDone: facts.isTestDone ?? false });
  };
  const open = { online_hearing: "granted", recording: null } as const;
  it("asks for what is not answered, one by one", () => {
    expect(at({ consents: open })).toBe("consent");
    expect(nextConsent({ consents: { online_hearing: null, recording: null } })).toBe("online_hearing");
    expect(nextConsent({ consents: open })).toBe("recording");
  });
  it("never lets anybody in without both consents, even when called", () => {
    expect(at({ consents: open, presence: "admitted" })).toBe("consent");
    expect(at({ consents: { online_hearing: "refused", recording: null }, presence: "admitted" })).toBe("refused");
  });
  it("goes on after a test that failed, for the court decides", () => {
    expect(at({})).toBe("self_test");
    expect(at({ self_test: "failed" })).toBe("waiting");
    expect(at({}, {}, { isTestDone: true })).toBe("waiting");
  });
  it("calls in at once, also out of the test", () => {
    expect(at({ presence: "admitted" })).toBe("called");
    expect(stageOf("called")).toBe("waiting");
  });
  it("ends plainly", () => {
    expect(at({}, { state: "cancelled" })).toBe("cancelled");
    expect(at({}, { state: "closed" })).toBe("closed");
    expect(at({ presence: "removed" })).toBe("removed");
    expect(at({}, {}, { canTakePart: false })).toBe("unsupported");
  });
});

describe("waiting in words", () => {
  const say = (minutesToStart: number, more: Partial<Hearing> = {}) =>
    waitingSentence(hearing("pl", [], { state: "lobby", ...more }), new Date(Date.parse("2026-11-22T06:00:00Z") - minutesToStart * 60_000));
  it("knows early, soon, now and late", () => {
    expect(say(180)).toEqual({ key: "early", minutes: 180 });
    expect(say(12)).toEqual({ key: "soon", minutes: 12 });
    expect(say(-1).key).toBe("preparing");
    expect(say(-25)).toEqual({ key: "late", minutes: 25 });
  });
  it("follows the hearing once it runs", () => {
    expect(say(-25, { state: "in_session" }).key).toBe("in_session");
    expect(say(-25, { state: "recess", recess: { reason: "", since: "", resumes_at: "2026-11-22T07:00:00Z" } })).toEqual({ key: "recess_until", time: "2026-11-22T07:00:00Z" });
  });
});

describe("where the hearing page stands", () => {
  const now = new Date("2026-11-22T06:30:00Z");
  const where = (me: Partial<HearingPerson>, more: Partial<Hearing>, facts: Partial<Parameters<typeof roomPlace>[0]> = {}) => {
    const self = person("pl", "party", me);
    return roomPlace({ hearing: hearing("pl", [self], more), me: self, isStaff: false, hasEntered: true, seat: "in", now, ...facts });
  };
  it("sends a party that was not called back to the door, but not the court", () => {
    expect(where({ presence: "waiting" }, {}, { hasEntered: false })).toBe("door");
    expect(where({ presence: "absent" }, {}, { hasEntered: false, isStaff: true })).toBe("entrance");
  });
  it("asks for the tap after a reload and after the seat was taken over", () => {
    expect(where({ presence: "present" }, {}, { hasEntered: false, seat: "out" })).toBe("entrance");
    expect(where({ presence: "present" }, {}, { seat: "ended" })).toBe("entrance");
    expect(where({ presence: "present" }, {}, { seat: "returning" })).toBe("room");
  });
  it("keeps everybody in place while a closing can be undone, and then lets go", () => {
    const closed = { state: "closed", undo_close_until: "2026-11-22T06:30:30Z" } as const;
    expect(where({}, closed)).toBe("room");
    expect(where({}, closed, { hasEntered: false })).toBe("closed");
    expect(where({}, { state: "closed", undo_close_until: "2026-11-22T06:29:59Z" })).toBe("closed");
  });
  it("shows a removal before anything else", () => {
    expect(where({ presence: "removed" }, {})).toBe("removed");
  });
});
