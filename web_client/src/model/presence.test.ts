import { describe, expect, it } from "vitest";
import zh from "@/i18n/zh/common";
import { personTone, personWord, type PersonWord } from "./presence";
import type { Connection, PageState, Presence } from "./types";

const word = (presence: Presence, connection: Connection = "connected", page: PageState = "visible"): PersonWord =>
  personWord({ presence, connection, page });

describe("the one word shown for a person", () => {
  it("puts leaving and absence before anything the network says", () => {
    expect(word("removed", "lost", "hidden")).toBe("removed");
    expect(word("left", "lost")).toBe("left");
    expect(word("absent", "none")).toBe("absent");
    expect(word("waiting", "weak", "hidden")).toBe("waiting");
  });

  it("keeps the protocol's order among the states of a present person", () => {
    expect(word("present", "lost", "interrupted")).toBe("lost");
    expect(word("present", "weak", "interrupted")).toBe("interrupted");
    expect(word("present", "silent", "hidden")).toBe("hidden");
    expect(word("present", "silent")).toBe("silent");
    expect(word("present", "weak")).toBe("weak");
    expect(word("present", "connecting")).toBe("connecting");
    expect(word("present")).toBe("present");
  });

  it("shows an admitted person as connecting until the media runs", () => {
    expect(word("admitted", "none")).toBe("connecting");
    expect(word("admitted", "connected")).toBe("present");
  });

  it("has a text and a tone for every word", () => {
    for (const one of Object.keys(zh.person) as PersonWord[]) expect(personTone(one)).toMatch(/^(quiet|court|proof|caution|alarm)$/u);
  });
});
