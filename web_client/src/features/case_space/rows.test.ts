import { describe, expect, it } from "vitest";
import type { LaneEvent } from "@/model/types";
import type { OutboxEntry } from "@/stores/outbox";
import { cardAction, type CardReader } from "./court_cards";
import { messageRows } from "./message_rows";
import { pictureFault, pictureType } from "./picture_check";
import { ReadClock } from "./read_clock";

const event = (seq: number, parts: Partial<LaneEvent> = {}): LaneEvent => ({
  lane: "lan_1",
  seq,
  event_id: `evt_${seq}`,
  type: "text",
  sender: { person_id: "per_a", name: "A", label: "原告" },
  client_id: `client-${seq}`,
  body: { text: "…" },
  server_time: "2026-11-22T05:00:00Z",
  prev_hash: "",
  hash: "",
  ...parts,
});
const entry = (clientId: string, lane = "lan_1"): OutboxEntry => ({
  clientId,
  lane,
  type: "text",
  body: { text: "…" },
  writtenAt: "2026-11-22T05:00:00Z",
  state: "sending",
  problem: null,
  seq: null,
  order: 1,
  waitsFor: null,
});
const kinds = (input: Partial<Parameters<typeof messageRows>[0]>): string[] =>
  messageRows({ events: [], entries: [], lane: "lan_1", me: "per_me", unreadAfter: null, ...input }).map(({ kind, key }) => `${kind} ${key}`);

describe("message rows", () => {
  it("parts the days as the court counts them", () => {
    // 15:59 and 16:01 UTC are two days in the court's time.
    const events = [event(1, { server_time: "2026-11-22T15:59:00Z" }), event(2, { server_time: "2026-11-22T16:01:00Z" })];
    expect(kinds({ events })).toEqual(["day day-2026-11-22", "message evt_1", "day day-2026-11-23", "message evt_2"]);
  });

  it("marks where reading stopped, once, and not at one's own messages", () => {
    const own = { sender: { person_id: "per_me", name: "Me", label: "书记员" } };
    const events = [event(1), event(2, own), event(3), event(4)];
    expect(kinds({ events, unreadAfter: 1 })).toEqual(["day day-2026-11-22", "message evt_1", "message evt_2", "unread unread", "message evt_3", "message evt_4"]);
    expect(kinds({ events, unreadAfter: 4 })).not.toContain("unread unread");
  });

  it("repeats the plate after a pause, another sender, or a card", () => {
    const events = [
      event(1),
      event(2, { server_time: "2026-11-22T05:04:59Z" }),
      event(3, { server_time: "2026-11-22T05:10:00Z" }),
      event(4, { server_time: "2026-11-22T05:10:01Z", sender: { person_id: "per_b", name: "B", label: "被告" } }),
      event(5, { server_time: "2026-11-22T05:10:02Z", type: "card", sender: null, client_id: null }),
      event(6, { server_time: "2026-11-22T05:10:03Z", sender: { person_id: "per_b", name: "B", label: "被告" } }),
    ];
    const rows = messageRows({ events, entries: [], lane: "lan_1", me: "per_me", unreadAfter: null });
    expect(rows.flatMap((row) => ("isFollowing" in row ? [row.isFollowing] : []))).toEqual([false, true, false, false, false, false]);
    expect(rows.map(({ kind }) => kind)).toContain("card");
  });

  it("shows what is on its way below, until its event is there, and only in its lane", () => {
    expect(kinds({ events: [event(1)], entries: [entry("client-1"), entry("mine-1"), entry("mine-2", "lan_2")] })).toEqual([
      "day day-2026-11-22",
      "message evt_1",
      "pending mine-1",
    ]);
  });
});

describe("read clock", () => {
  it("counts a second of sight with attention", () => {
    const clock = new ReadClock();
    expect(clock.look([4, 5], true, 0)).toBeNull();
    expect(clock.look([4, 5], true, 900)).toBeNull();
    expect(clock.look([5, 6], true, 1_000)).toBe(5);
    expect(clock.look([5, 6], true, 1_100)).toBeNull();
    expect(clock.look([5, 6], true, 2_000)).toBe(6);
  });

  it("begins again after the page was hidden or the row out of sight", () => {
    const clock = new ReadClock();
    clock.look([1], true, 0);
    clock.look([1], false, 500);
    expect(clock.look([1], true, 1_200)).toBeNull();
    clock.look([], true, 1_500);
    expect(clock.look([1], true, 2_300)).toBeNull();
    expect(clock.look([1], true, 3_300)).toBe(1);
  });

  it("never goes back", () => {
    const clock = new ReadClock();
    clock.look([9], true, 0);
    expect(clock.look([9], true, 1_000)).toBe(9);
    clock.look([2], true, 2_000);
    expect(clock.look([2], true, 4_000)).toBeNull();
  });
});

describe("court cards", () => {
  const reader: CardReader = { isStaff: false, hearingState: "scheduled", inHearing: null, ownReminders: new Set(["rem_1"]) };
  const hearing = { card: "hearing_starting_soon", hearing_id: "hrg_1" };
  const words = (body: Record<string, unknown>, parts: Partial<CardReader> = {}) => cardAction(body, { ...reader, ...parts })?.word ?? null;

  it("lead where the reader belongs, as the hearing stands now", () => {
    expect(words(hearing)).toBe("enterLobby");
    expect(words(hearing, { hearingState: "in_session" })).toBe("enterRoom");
    expect(words(hearing, { hearingState: "closed" })).toBeNull();
    expect(words(hearing, { hearingState: "cancelled", isStaff: true })).toBeNull();
    expect(words(hearing, { isStaff: true })).toBe("prepare");
    expect(words(hearing, { isStaff: true, hearingState: "recess" })).toBe("enterRoom");
    expect(words({ ...hearing, card: "hearing_closed" }, { isStaff: true, hearingState: "closed" })).toBe("seeHearing");
  });

  it("do not lead out of the hearing one sits in", () => {
    expect(words(hearing, { inHearing: "hrg_1" })).toBeNull();
    const film = { card: "recording_available", hearing_id: "hrg_0", recording_id: "rec_1" };
    expect(cardAction(film, { ...reader, isStaff: true, inHearing: "hrg_1" })).toEqual({ word: "watch", here: { film: "rec_1" } });
  });

  it("show a reminder's words to its recipient and its progress to the court", () => {
    const card = { card: "reminder_issued", reminder_id: "rem_1" };
    expect(words(card)).toBe("seeText");
    expect(words({ ...card, reminder_id: "rem_2" })).toBeNull();
    expect(words(card, { isStaff: true })).toBe("seeProgress");
  });

  it("of an unknown kind offer nothing", () => expect(words({ card: "of_tomorrow" })).toBeNull());
});

describe("picture check", () => {
  const file = (name: string, type: string, size = 10) => ({ name, type, size });
  it("knows pictures by type, and by ending where a phone gives no type", () => {
    expect(pictureType(file("a.bin", "image/png"))).toBe("image/png");
    expect(pictureType(file("IMG_1.HEIC", ""))).toBe("image/heic");
    expect(pictureType(file("a.jpg", "application/pdf"))).toBeNull();
    expect(pictureType(file("a.svg", "image/svg+xml"))).toBeNull();
  });
  it("tells what is wrong before anything is sent", () => {
    expect(pictureFault(file("a.pdf", "application/pdf"), 100)).toBe("wrongType");
    expect(pictureFault(file("a.png", "image/png", 101), 100)).toBe("tooLarge");
    expect(pictureFault(file("a.png", "image/png", 0), 100)).toBe("empty");
    expect(pictureFault(file("a.png", "image/png", 100), 100)).toBeNull();
  });
});
