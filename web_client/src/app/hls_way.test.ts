import { describe, expect, it } from "vitest";
import { hlsWay } from "./hls_way";

describe("the way a film in pieces is played", () => {
  it("is our reader wherever there are full media sources, whatever the browser claims besides", () => {
    expect(hlsWay({ mediaSource: true, native: true, managed: true })).toBe("reader");
    expect(hlsWay({ mediaSource: true, native: false, managed: false })).toBe("reader");
  });
  it("is the browser's own on phones that have none", () => {
    expect(hlsWay({ mediaSource: false, native: true, managed: true })).toBe("native");
    expect(hlsWay({ mediaSource: false, native: true, managed: false })).toBe("native");
  });
  it("is managed media sources last, and nothing where there is nothing", () => {
    expect(hlsWay({ mediaSource: false, native: false, managed: true })).toBe("reader");
    expect(hlsWay({ mediaSource: false, native: false, managed: false })).toBe("none");
  });
});
