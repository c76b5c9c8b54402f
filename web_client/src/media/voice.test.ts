import { beforeEach, describe, expect, it } from "vitest";
import { FakeClock, FakeTrack, settle } from "./fakes";
import { VOICE_LIMIT_MS, VoiceRecorder, voiceFileName } from "./voice_recorder";

class FakeRecorder extends EventTarget {
  state: "inactive" | "recording" = "inactive";
  constructor(readonly mimeType: string) {
    super();
  }
  start(): void {
    this.state = "recording";
  }
  say(size: number): void {
    this.dispatchEvent(Object.assign(new Event("dataavailable"), { data: new Blob(["x".repeat(size)]) }));
  }
  stop(): void {
    this.state = "inactive";
    this.say(5);
    this.dispatchEvent(new Event("stop"));
  }
}

let clock: FakeClock;
let track: FakeTrack;
let made: FakeRecorder[];
const stream = (): MediaStream => ({ getAudioTracks: () => [track.as()], getTracks: () => [track.as()] }) as unknown as MediaStream;

function recorder(open: () => Promise<MediaStream> = async () => stream(), supports = (type: string): boolean => type === "audio/mp4"): VoiceRecorder {
  return new VoiceRecorder(clock, {
    open,
    read: () => ({ size: 4, read: (into) => void into.fill(0.3).fill(-0.3, 0, 2), close: () => undefined }),
    record: (_, type) => {
      made.push(new FakeRecorder(type ?? "audio/webm;codecs=opus"));
      return made.at(-1) as unknown as MediaRecorder;
    },
    supports,
  });
}

beforeEach(() => {
  clock = new FakeClock();
  track = new FakeTrack("audio");
  made = [];
});

describe("voice recorder", () => {
  it("asks for the microphone at the start, shows loudness, and lets go when stopped", async () => {
    const voice = recorder();
    expect(voice.state.value).toBe("idle");
    await voice.start();
    await clock.advance(2_000);
    expect([voice.state.value, voice.elapsedMs.value]).toEqual(["recording", 2_000]);
    expect(voice.levels.value.at(-1)).toBeGreaterThan(0.5);
    voice.stop();
    expect(voice.state.value).toBe("ready");
    expect(voice.recording).toMatchObject({ type: "audio/mp4", durationMs: 2_000 });
    expect(track.readyState).toBe("ended");
    expect(clock.waiting).toBe(0);
  });

  it("stops by itself at the limit and says so", async () => {
    const voice = recorder();
    await voice.start();
    await clock.advance(VOICE_LIMIT_MS + 500);
    expect([voice.state.value, voice.endedBy, voice.recording?.durationMs]).toEqual(["ready", "limit", VOICE_LIMIT_MS]);
  });

  it("keeps what was said when a call takes the microphone", async () => {
    const voice = recorder();
    await voice.start();
    await clock.advance(3_000);
    made[0]?.say(100);
    track.dispatchEvent(new Event("ended"));
    expect([voice.state.value, voice.endedBy]).toEqual(["ready", "interrupted"]);
    expect(voice.recording?.content.size).toBe(105);
  });

  it("takes a slip of the finger for none", async () => {
    const voice = recorder();
    await voice.start();
    await clock.advance(300);
    voice.stop();
    expect([voice.state.value, voice.fault]).toEqual(["failed", "too_short"]);
  });

  it("names why there is no microphone, and can try again", async () => {
    let isAllowed = false;
    const voice = recorder(async () => {
      if (!isAllowed) throw Object.assign(new Error("no"), { name: "NotAllowedError" });
      return stream();
    });
    await voice.start();
    expect([voice.state.value, voice.fault]).toEqual(["failed", "permission_denied"]);
    isAllowed = true;
    await voice.start();
    expect(voice.state.value).toBe("recording");
  });

  it("lets a microphone go that comes after it was cancelled", async () => {
    let give: (stream: MediaStream) => void = () => undefined;
    const voice = recorder(() => new Promise((resolve) => (give = resolve)));
    const starting = voice.start();
    expect(voice.state.value).toBe("asking");
    voice.stop();
    give(stream());
    await starting;
    await settle();
    expect([voice.state.value, track.readyState, made.length]).toEqual(["idle", "ended", 0]);
  });

  it("throws a cancelled recording away", async () => {
    const voice = recorder();
    await voice.start();
    await clock.advance(2_000);
    voice.cancel();
    expect([voice.state.value, voice.recording, track.readyState, clock.waiting]).toEqual(["idle", null, "ended", 0]);
  });

  it("records what the browser gives where it knows none of the types", async () => {
    const voice = recorder(undefined, () => false);
    await voice.start();
    await clock.advance(1_000);
    voice.stop();
    expect(voice.recording?.type).toBe("audio/webm");
  });
});

describe("names of voice files", () => {
  it("have the ending of what was recorded", () => {
    const at = new Date("2026-11-22T05:06:07.890Z");
    expect([voiceFileName("audio/mp4", at), voiceFileName("audio/webm", at), voiceFileName("audio/ogg", at)]).toEqual([
      "voice-20261122T050607.m4a",
      "voice-20261122T050607.webm",
      "voice-20261122T050607.ogg",
    ]);
  });
});
