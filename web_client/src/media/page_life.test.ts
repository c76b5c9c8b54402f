import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AudioOutlet, type Speaker } from "./audio_outlet";
import { FakeClock, FakeTrack } from "./fakes";
import { heightWish, LayerWishes } from "./layer_wishes";
import { isDigitalSilence, levelOf, LevelMeter } from "./level_meter";
import { linkFigures } from "./link_figures";
import { PageWatch } from "./page_watch";
import type { RemoteTracks } from "./subscribe_link";
import { StayAwake } from "./wake_lock";

class FakePage extends EventTarget {
  visibilityState: DocumentVisibilityState = "visible";
  turn(state: DocumentVisibilityState): void {
    this.visibilityState = state;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}
beforeEach(() => void vi.stubGlobal("MediaStream", class {}));
afterEach(() => void vi.unstubAllGlobals());

describe("sizes on the screen", () => {
  it("ask for the smallest layer that still looks sharp", () => {
    expect(heightWish(0, 3)).toBe(0);
    expect(heightWish(96, 2)).toBe(180);
    expect(heightWish(210, 3)).toBe(720); // three device pixels count as two
    expect(heightWish(2000, 2)).toBe(1080);
  });

  it("are said at once when growing, late when shrinking, and once when they only wobble", async () => {
    const clock = new FakeClock();
    const said: number[] = [];
    const wishes = new LayerWishes(clock, (_who, _what, px) => said.push(px), () => 1);
    wishes.tileSized("per_a", "camera", 150);
    await clock.advance(200);
    wishes.tileSized("per_a", "camera", 600);
    wishes.tileSized("per_a", "camera", 610);
    await clock.advance(200);
    wishes.tileSized("per_a", "camera", 150);
    await clock.advance(1_000);
    wishes.tileSized("per_a", "camera", 600);
    await clock.advance(5_000);
    expect(said).toEqual([180, 720]);
    wishes.tileSized("per_a", "camera", 0);
    await clock.advance(2_000);
    expect(said).toEqual([180, 720, 0]);
    wishes.sayAgain();
    expect(said).toEqual([180, 720, 0, 0]);
  });
});

describe("faces given up for the line", () => {
  it("are asked for as nothing, screens are not, and come back as large as they were", async () => {
    const clock = new FakeClock();
    const said: string[] = [];
    const wishes = new LayerWishes(clock, (who, what, px) => said.push(`${who} ${what} ${px}`), () => 1);
    wishes.tileSized("per_a", "camera", 300);
    wishes.tileSized("per_a", "screen", 700);
    await clock.advance(200);
    said.length = 0;
    wishes.restFaces(true);
    wishes.restFaces(true);
    expect(said).toEqual(["per_a camera 0"]);
    wishes.tileSized("per_b", "camera", 150); // somebody comes in meanwhile
    await clock.advance(200);
    wishes.sayAgain(); // a new seat
    expect(said.slice(1)).toEqual(["per_b camera 0", "per_a camera 0", "per_a screen 720", "per_b camera 0"]);
    wishes.restFaces(false);
    expect(said.slice(5)).toEqual(["per_a camera 360", "per_b camera 180"]);
  });
});

describe("loudness", () => {
  it("is nothing at the floor, all at the ceiling, and in between for speech", () => {
    expect(levelOf(new Float32Array(64).fill(0.0001))).toBe(0);
    expect(levelOf(new Float32Array(64).fill(0.9))).toBe(1);
    expect(levelOf(new Float32Array(64).fill(0.03))).toBeGreaterThan(0.4);
  });

  it("tells a quiet room from a dead track", async () => {
    expect(isDigitalSilence(new Float32Array(8))).toBe(true);
    expect(isDigitalSilence(new Float32Array([0, 0, 1e-6, 0]))).toBe(false);
    const clock = new FakeClock();
    let sample = 0;
    const meter = new LevelMeter(clock, () => ({ size: 4, read: (into) => void into.fill(0).fill(sample, 0, 1), close: () => undefined }));
    meter.watchTrack(new FakeTrack("audio").as());
    await clock.advance(1_000);
    expect(meter.deadForMs.value).toBeGreaterThan(800);
    sample = 0.2;
    await clock.advance(100);
    expect(meter.deadForMs.value).toBe(0);
    expect(meter.level.value).toBeGreaterThan(0);
    meter.stop();
    expect(clock.waiting).toBe(0);
  });
});

describe("the page's life", () => {
  it("notices hiding, a new network, a return from the page store and a sleep without events", async () => {
    const clock = new FakeClock();
    const page = new FakePage();
    const frame = new EventTarget() as EventTarget & { navigator: object };
    frame.navigator = {};
    const seen: string[] = [];
    const events = { hidden: () => seen.push("hidden"), visible: () => seen.push("visible"), woke: () => seen.push("woke"), networkChanged: () => seen.push("network") };
    let time = 0;
    const sleepy = { ...clock, nowMs: () => time, every: (ms: number, run: () => void) => clock.every(ms, run), after: (ms: number, run: () => void) => clock.after(ms, run) };
    const watch = new PageWatch(events, sleepy, page as unknown as Document, frame as unknown as Window);
    page.turn("hidden");
    page.turn("visible");
    frame.dispatchEvent(new Event("online"));
    frame.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
    frame.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    expect(seen).toEqual(["hidden", "visible", "network", "woke"]);
    time = 1_000;
    await clock.advance(1_000);
    expect(seen).toHaveLength(4);
    time = 60_000; // the phone was locked: one tick, a minute later
    await clock.advance(1_000);
    expect(seen.at(-1)).toBe("woke");
    watch.close();
    page.turn("hidden");
    expect(seen).toHaveLength(5);
  });

  it("keeps the screen on, again after every return, and not when it is no longer wanted", async () => {
    const page = new FakePage();
    const locks: (EventTarget & { released: boolean; release(): Promise<void> })[] = [];
    const source = {
      request: async () => {
        const lock = Object.assign(new EventTarget(), { released: false, release: async (): Promise<void> => void (lock.released = true) });
        locks.push(lock);
        return lock as unknown as WakeLockSentinel;
      },
    };
    const awake = new StayAwake(source, page as unknown as Document);
    await awake.start();
    expect(awake.state.value).toBe("on");
    locks[0]!.released = true;
    locks[0]!.dispatchEvent(new Event("release"));
    expect(awake.state.value).toBe("off");
    page.turn("visible");
    await Promise.resolve();
    await Promise.resolve();
    expect(locks).toHaveLength(2);
    await awake.stop();
    page.turn("visible");
    expect(locks).toHaveLength(2);
    expect(locks[1]!.released).toBe(true);
  });

  it("says when the browser cannot keep it on", async () => {
    const awake = new StayAwake(undefined, new FakePage() as unknown as Document);
    await awake.start();
    // The default argument reads the browser's own lock, which this test environment lacks as well.
    expect(awake.state.value).toBe("unsupported");
  });
});

describe("voices", () => {
  it("are told apart, let go, and ask for a tap only when the browser refuses", async () => {
    const made: { played: number; gone: boolean }[] = [];
    let refusal: string | null = "NotAllowedError";
    const outlet = new AudioOutlet(() => {
      const state = { played: 0, gone: false };
      made.push(state);
      return {
        srcObject: null,
        play: async () => {
          if (refusal) throw Object.assign(new Error("no"), { name: refusal });
          state.played += 1;
        },
        pause: () => undefined,
        remove: () => void (state.gone = true),
      } satisfies Speaker;
    });
    const voice = (identity: string, source: "microphone" | "camera" = "microphone"): RemoteTracks => new Map([[`${identity}/${source}`, { identity, source, track: new FakeTrack("audio").as() }]]);
    outlet.follow(voice("per_a", "camera"));
    expect(made).toHaveLength(0);
    outlet.follow(voice("per_a"));
    await Promise.resolve();
    await Promise.resolve();
    expect(outlet.isBlocked.value).toBe(true);
    refusal = null;
    await outlet.unlock();
    expect(outlet.isBlocked.value).toBe(false);
    expect(made[0]?.played).toBe(1);
    outlet.follow(voice("per_b"));
    expect(made.map(({ gone }) => gone)).toEqual([true, false]);
  });
});

describe("a loudspeaker", () => {
  const made: { sinks: string[]; plays: number; pause: () => void }[] = [];
  let isGone = false;
  const outlet = new AudioOutlet((onPaused) => {
    const state = { sinks: [] as string[], plays: 0, pause: onPaused };
    made.push(state);
    return {
      srcObject: null,
      play: async () => void (state.plays += 1),
      pause: () => undefined,
      remove: () => undefined,
      setSinkId: async (id: string) => {
        if (isGone && id !== "") throw new Error("gone");
        state.sinks.push(id);
      },
    };
  });
  const voices = (...ids: string[]): RemoteTracks => new Map(ids.map((identity) => [`${identity}/microphone`, { identity, source: "microphone", track: track(identity) }]));
  const tracks = new Map<string, MediaStreamTrack>();
  const track = (identity: string): MediaStreamTrack => tracks.get(identity) ?? tracks.set(identity, new FakeTrack("audio").as()).get(identity)!;

  it("is chosen for the voices that are there and those that come, and given up when it is gone", async () => {
    outlet.follow(voices("per_a"));
    expect(await outlet.through("desk")).toBe(true);
    outlet.follow(voices("per_a", "per_b"));
    await Promise.resolve();
    expect(made.map(({ sinks }) => sinks)).toEqual([["desk"], ["desk"]]);
    isGone = true;
    expect(await outlet.through("pulled out")).toBe(false);
    expect(made.map(({ sinks }) => sinks.at(-1))).toEqual(["", ""]);
  });

  it("goes on with a voice that the system stopped", () => {
    const before = made[0]!.plays;
    made[0]!.pause();
    expect(made[0]!.plays).toBe(before + 1);
  });
});

describe("figures of a link", () => {
  const report = (bytes: number, timestamp: number): [string, unknown][] => [
    ["T", { id: "T", type: "transport", timestamp, selectedCandidatePairId: "P" }],
    ["P", { id: "P", type: "candidate-pair", timestamp, currentRoundTripTime: 0.042, localCandidateId: "L", remoteCandidateId: "R" }],
    ["L", { id: "L", type: "local-candidate", timestamp, protocol: "tcp", candidateType: "host" }],
    ["O", { id: "O", type: "outbound-rtp", kind: "video", rid: "f", timestamp, bytesSent: bytes, codecId: "C", remoteId: "I", frameWidth: 1280, frameHeight: 720, framesPerSecond: 25 }],
    ["I", { id: "I", type: "remote-inbound-rtp", timestamp, packetsLost: 3, fractionLost: 0.02 }],
    ["C", { id: "C", type: "codec", timestamp, mimeType: "video/VP8" }],
  ];
  it("come from the pair in use, and rates from two readings", () => {
    const figures = linkFigures(report(250_000, 3_000), report(0, 1_000));
    expect(figures).toMatchObject({ rttMs: 42, transport: "tcp", relayed: false });
    expect(figures.tracks).toEqual([expect.objectContaining({ direction: "up", rid: "f", codec: "VP8", bitsPerSecond: 1_000_000, packetsLost: 3, lossRatio: 0.02, width: 1280 })]);
  });
  it("tell the loss of now, not of an hour ago", () => {
    const heard = (lost: number, received: number): [string, unknown][] => [["A", { id: "A", type: "inbound-rtp", kind: "audio", timestamp: received, packetsLost: lost, packetsReceived: received, jitter: 0.012 }]];
    expect(linkFigures(heard(100, 900), null).tracks[0]).toMatchObject({ lossRatio: 0.1, jitterMs: 12 });
    expect(linkFigures(heard(100, 1_900), heard(100, 900)).tracks[0]?.lossRatio).toBe(0);
    expect(linkFigures(heard(90, 1_900), heard(100, 900)).tracks[0]?.lossRatio).toBe(0); // a repair came late
  });
  it("claim no rate from a single reading", () => {
    expect(linkFigures(report(250_000, 3_000), null).tracks[0]?.bitsPerSecond).toBeNull();
    expect(linkFigures(null, null).transport).toBeNull();
  });
});
