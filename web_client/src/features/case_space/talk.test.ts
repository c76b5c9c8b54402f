import { describe, expect, it } from "vitest";
import { effectScope } from "vue";
import type { Member } from "@/model/space";
import type { LaneEvent } from "@/model/types";
import { cleanText, outgoingText, sha256Hex } from "./composing";
import { fileFault, fileKind } from "./file_check";
import { insertMention, mentionedIn, mentionQuery, offered, textParts } from "./mentions";
import { type WayContext, waysOf } from "./message_ways";
import { useHoldToSpeak } from "./use_hold_to_speak";
import { messageRows } from "./message_rows";

const person = (id: string, name: string, label = "原告"): Member => ({ person_id: id, name, label, label_en: "Plaintiff", role: "party" });
const PEOPLE = [person("per_1", "李明"), person("per_2", "李明华", "被告"), person("per_3", "顾小雨", "书记员")];

const event = (parts: Partial<LaneEvent> = {}): LaneEvent => ({
  lane: "lan_1", seq: 3, event_id: "evt_3", type: "text", sender: { person_id: "per_1", name: "李明", label: "原告" }, client_id: "c",
  body: { text: "原话" }, server_time: "2026-11-22T05:00:00Z", prev_hash: "", hash: "", ...parts,
});
const NOW = Date.parse("2026-11-22T05:01:00Z");
const own: WayContext = { isOwn: true, role: "party", hasReaders: true, isClosed: false, nowMs: NOW, correctionS: 600, withdrawS: 120 };

describe("mentions", () => {
  it("begin with an @ at the start of a word and end with a blank", () => {
    expect(mentionQuery("请 @顾", 4)).toEqual({ at: 2, words: "顾" });
    expect(mentionQuery("请@", 2)).toEqual({ at: 1, words: "" });
    expect(mentionQuery("a@b.cn", 6)).toBeNull();
    expect(mentionQuery("@顾小雨 你好", 7)).toBeNull();
    expect(mentionQuery("没有", 2)).toBeNull();
  });

  it("offer people by name and by what they are", () => {
    expect(offered({ at: 0, words: "李明" }, PEOPLE).map(({ person_id: id }) => id)).toEqual(["per_1", "per_2"]);
    expect(offered({ at: 0, words: "书记" }, PEOPLE).map(({ person_id: id }) => id)).toEqual(["per_3"]);
  });

  it("put the name in and the caret behind it", () => {
    expect(insertMention("请 @顾 看", { at: 2, words: "顾" }, 4, "顾小雨")).toEqual({ text: "请 @顾小雨 看", caret: 7 });
  });

  it("name the longer of two names that begin alike", () => {
    expect(mentionedIn("@李明华 与 @顾小雨", PEOPLE).map(({ person_id: id }) => id)).toEqual(["per_2", "per_3"]);
    expect(mentionedIn("@李明 与 @李明华", PEOPLE).map(({ person_id: id }) => id)).toEqual(["per_2", "per_1"]);
    expect(mentionedIn("李明", PEOPLE)).toEqual([]);
  });

  it("are shown apart from words and addresses, and nothing is lost", () => {
    const parts = textParts("请@李明看https://a.cn/x?y=1，谢谢", [{ name: "李明", isMe: true }]);
    expect(parts.map(({ kind }) => kind)).toEqual(["plain", "me", "plain", "address", "plain"]);
    expect(parts[3]?.text).toBe("https://a.cn/x?y=1");
    expect(parts.map(({ text }) => text).join("")).toBe("请@李明看https://a.cn/x?y=1，谢谢");
    expect(textParts("javascript:alert(1) @李明", []).every(({ kind }) => kind === "plain")).toBe(true);
    expect(textParts("", [])).toEqual([]);
  });
});

describe("what may be done with a message", () => {
  it("follows the server's rules for one's own text", () => {
    expect(waysOf(event(), own)).toEqual(["quote", "copy", "correct", "withdraw", "readers"]);
    expect(waysOf(event(), { ...own, nowMs: NOW + 120_000 })).toEqual(["quote", "copy", "correct", "readers"]);
    expect(waysOf(event(), { ...own, nowMs: NOW + 600_000 })).toEqual(["quote", "copy", "readers"]);
    expect(waysOf(event({ body: { text: "x", label: "litigation_act" } }), own)).toEqual(["quote", "copy", "readers"]);
    expect(waysOf(event({ type: "image", body: {} }), own)).toEqual(["quote", "withdraw", "readers"]);
    const five = Array.from({ length: 5 }, (_, n) => ({ seq: n + 4, text: "改", server_time: "" }));
    expect(waysOf(event({ corrections: five }), own)).not.toContain("correct");
  });

  it("gives the court its own ways, and nobody a way to what is gone", () => {
    const other = { ...own, isOwn: false, hasReaders: false };
    const gone = event({ body: {}, withheld: { seq: 4, at: "", by: null, ground: "secret", reason: "", by_author: false } });
    expect(waysOf(event(), other)).toEqual(["quote", "copy"]);
    expect(waysOf(event(), { ...other, role: "clerk" })).toEqual(["quote", "copy", "withhold"]);
    expect(waysOf(gone, other)).toEqual([]);
    expect(waysOf(gone, { ...other, role: "judge" })).toEqual(["seeWithheld"]);
    expect(waysOf(event(), { ...own, isClosed: true })).toEqual(["copy", "readers"]);
  });
});

describe("what goes out", () => {
  const parts = { lane: "lan_1", context: null, label: null, confirmedSha256: null, mentions: [] };
  it("holds what was chosen and nothing else", () => {
    expect(outgoingText(" 好\r\n", parts)).toEqual({ type: "text", body: { text: "好" } });
    expect(outgoingText("改", { ...parts, context: { kind: "correction", event: event() } })).toEqual({ type: "correction", body: { target_seq: 3, text: "改" } });
    expect(outgoingText("答", { ...parts, context: { kind: "reply", event: event() }, mentions: ["per_3"], label: "procedural" })).toEqual({
      type: "text",
      body: { text: "答", label: "procedural", mentions: ["per_3"], reply_to: { lane: "lan_1", seq: 3 } },
    });
  });

  it("hashes the words as the server does", async () => {
    expect(await sha256Hex(cleanText(" 我方放弃利息请求。\r\n"))).toBe("4ef5fe5c47d276f2dc9dc91ecf965219174a3fe08d163b8ae0495ef6a3f00de1");
    expect(await sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});

describe("rows of corrections and tombstones", () => {
  it("are quiet lines that lead to their message", () => {
    const correction = event({ seq: 4, event_id: "evt_4", type: "correction", body: { target: { seq: 3 }, text: "改" } });
    const rows = messageRows({ events: [event(), correction], entries: [], lane: "lan_1", me: "per_x", unreadAfter: null });
    expect(rows.at(-1)).toMatchObject({ kind: "notice", targetSeq: 3 });
  });
});

describe("files", () => {
  it("are known by type or by ending, and refused before a byte travels", () => {
    expect([fileKind({ name: "a.PDF", type: "" }), fileKind({ name: "b.m4a", type: "" }), fileKind({ name: "c", type: "video/mp4" }), fileKind({ name: "d.heic", type: "" })]).toEqual(["document", "audio", "video", "image"]);
    expect(fileFault({ name: "e.exe", type: "application/x-msdownload", size: 9 }, 100)).toBe("wrongType");
    expect(fileFault({ name: "a.pdf", type: "application/pdf", size: 0 }, 100)).toBe("empty");
    expect(fileFault({ name: "a.pdf", type: "application/pdf", size: 101 }, 100)).toBe("tooLarge");
  });
});

describe("hold to speak", () => {
  const touch = (type: string, y: number, ms: number): PointerEvent => {
    const made = new Event(type) as PointerEvent;
    for (const [name, value] of Object.entries({ clientY: y, timeStamp: ms, pointerType: "touch", isPrimary: true })) Object.defineProperty(made, name, { value });
    return made;
  };
  const held = (): { hold: ReturnType<typeof useHoldToSpeak>; told: string[]; end: () => void } => {
    const told: string[] = [];
    const scope = effectScope();
    const hold = scope.run(() => useHoldToSpeak({ begin: () => told.push("begin"), finish: () => told.push("finish"), cancel: () => told.push("cancel") }))!;
    return { hold, told, end: () => scope.stop() };
  };

  it("finishes when let go, cancels when slid up, and lets a tap go on", () => {
    for (const [moves, ends, what] of [
      [[], touch("pointerup", 500, 2_000), ["begin", "finish"]],
      [[touch("pointermove", 400, 900)], touch("pointerup", 400, 2_000), ["begin", "cancel"]],
      [[touch("pointermove", 400, 900), touch("pointermove", 490, 950)], touch("pointerup", 490, 2_000), ["begin", "finish"]],
      [[], touch("pointerup", 500, 200), ["begin"]],
      [[], touch("pointercancel", 500, 2_000), ["begin"]],
    ] as const) {
      const { hold, told, end } = held();
      hold.pressed(touch("pointerdown", 500, 100));
      for (const move of moves) dispatchEvent(move);
      dispatchEvent(ends);
      dispatchEvent(touch("pointerup", 0, 9_000));
      expect(told).toEqual(what);
      expect([hold.isHeld.value, hold.isSliding.value]).toEqual([false, false]);
      end();
    }
  });
});
