import { beforeEach, describe, expect, it } from "vitest";
import { LineJudge, type LineReading, type LineWord, weakWay } from "./line_judge";
import { NO_FIGURES, type TrackFigures } from "./link_figures";

const track = (lossRatio: number | null): TrackFigures => ({
  id: "t", kind: "audio", direction: "up", mid: null, isScreen: false, isResting: false, rid: null, codec: null, bitsPerSecond: null, width: null, height: null, framesPerSecond: null,
  packetsLost: 0, lossRatio, jitterMs: null, freezes: null, repairs: null, keyframeRequests: null, limitedBy: null,
});
const reading = (up: number | null, down: number | null = 0, more: { rttMs?: number; room?: number; server?: boolean } = {}): LineReading => ({
  up: { ...NO_FIGURES, rttMs: more.rttMs ?? null, availableBitsPerSecond: more.room ?? null, tracks: [track(up), track(null)] },
  down: { ...NO_FIGURES, tracks: [track(down)] },
  isWeakForServer: more.server ?? false,
});

describe("one reading", () => {
  it.each([
    [reading(0), null],
    [reading(null, 0), null],
    [reading(0.06), "up"],
    [reading(0, 0.2), "down"],
    [reading(0.06, 0.2), "both"],
    [reading(0, 0, { rttMs: 600 }), "up"],
    [reading(0, 0, { room: 90_000 }), "up"],
    [reading(0, 0, { server: true }), "both"],
  ] as const)("%#", (seen, way) => expect(weakWay(seen)).toBe(way));
});

describe("the word for one's own line", () => {
  let judge: LineJudge;
  let nowMs: number;
  beforeEach(() => {
    judge = new LineJudge();
    nowMs = 0;
  });
  const pass = (seconds: number, seen: LineReading): LineWord => {
    let word: LineWord = judge.take(seen, nowMs);
    for (let passed = 0; passed < seconds; passed += 2) word = judge.take(seen, (nowMs += 2_000));
    return word;
  };
  const weak = reading(0.1);
  const well = reading(0);

  it("comes after six seconds and goes after ten", () => {
    expect(pass(4, weak).weak).toBeNull();
    expect(pass(2, weak).weak).toBe("up");
    expect(pass(8, well).weak).toBe("up");
    expect(pass(4, well).weak).toBeNull();
  });
  it("says nothing of a short dip", () => {
    pass(4, weak);
    pass(12, well);
    expect(pass(4, weak).weak).toBeNull();
  });
  it("does not flicker between the two ways", () => {
    pass(8, weak);
    expect(pass(2, reading(0, 0.1)).weak).toBe("both");
    expect(pass(4, weak).weak).toBe("both");
  });
  it("calls trouble lasting after twenty seconds, and a line recovered only after trouble and thirty good ones", () => {
    expect(pass(60, well).isRecovered).toBe(false);
    expect(pass(18, weak).isLasting).toBe(false);
    expect(pass(4, weak)).toMatchObject({ isLasting: true, isRecovered: false });
    expect(pass(20, well).isRecovered).toBe(false);
    expect(pass(12, well)).toEqual({ weak: null, isLasting: false, isRecovered: true });
  });
});
