import { describe, expect, it } from "vitest";
import { isOver, maySpeak, type Notice } from "./notice";

const NOW = Date.parse("2026-03-02T02:00:00Z");
const notice = (more: Partial<Notice> = {}): Notice => ({
  kind: "publication", id: "pub_1", title: "t", case_number: "n", held_on: "2026-03-01", state: "submitted", objections_until: "2026-03-03T02:00:00Z", own: null, ...more,
});
const own = (upheld: boolean | null): Notice["own"] => ({
  person_id: "p", name: "n", objects: true, reason: "r", at: "", upheld, answer: "", answered_by: null, answered_at: null,
});

describe("a party's word on what is to be public", () => {
  it("is heard until the limit, and may change until it was answered", () => {
    expect(maySpeak(notice(), NOW)).toBe(true);
    expect(maySpeak(notice({ own: own(null) }), NOW)).toBe(true);
    expect(maySpeak(notice({ own: own(false) }), NOW)).toBe(false);
    expect(maySpeak(notice({ state: "public" }), NOW)).toBe(false);
    expect(maySpeak(notice({ objections_until: "2026-03-01T02:00:00Z" }), NOW)).toBe(false);
  });
  it("was never asked for where nobody was told", () => {
    expect(isOver(notice({ objections_until: null }), NOW)).toBe(true);
  });
});
