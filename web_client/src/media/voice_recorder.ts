/**
 * Records one voice message: asks for the microphone only now, shows how loud it is, stops by itself at the limit, and
 * keeps what was said when a call or the screen's sleep cuts it off. Plain TypeScript; time and devices come in.
 */
import type { Clock } from "./clock";
import { type DeviceProblem, deviceProblem } from "./device_problem";
import { LevelMeter, type SampleReader } from "./level_meter";
import { Observable, type Unsubscribe } from "./observable";

/** A minute: what people listen to at once. Longer statements are files. */
export const VOICE_LIMIT_MS = 60_000;
/** Shorter was a slip of the finger. */
export const VOICE_LEAST_MS = 800;
/** Told when so much is left. */
export const VOICE_WARN_MS = 10_000;
const TICK_MS = 100;
/** Pieces come every second: what was said before a crash of the recorder is kept. */
const PIECE_MS = 1_000;
/** First what Chromium and Firefox write, then what Safari writes. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"] as const;

export type VoiceState = "idle" | "asking" | "recording" | "ready" | "failed";
export type VoiceFault = DeviceProblem | "too_short" | "unsupported";
/** Why a recording ended that nobody stopped. */
export type VoiceEnd = "limit" | "interrupted" | null;

export interface Recording {
  content: Blob;
  type: string;
  durationMs: number;
  /** Loudness from 0 to 1 over the length, as it was shown. */
  levels: readonly number[];
}

export interface VoiceDevices {
  open: () => Promise<MediaStream>;
  read: (track: MediaStreamTrack) => SampleReader | null;
  record: (stream: MediaStream, type: string | null) => MediaRecorder;
  supports: (type: string) => boolean;
}

export class VoiceRecorder {
  readonly state = new Observable<VoiceState>("idle");
  readonly elapsedMs = new Observable(0);
  readonly levels = new Observable<readonly number[]>([]);
  fault: VoiceFault | null = null;
  endedBy: VoiceEnd = null;
  recording: Recording | null = null;
  private stream: MediaStream | null = null;
  private recorder: MediaRecorder | null = null;
  private readonly meter: LevelMeter;
  private cancelTick: Unsubscribe = () => undefined;
  /** Rises with every start and cancel: an answer of the one before counts no more. */
  private round = 0;

  constructor(
    private readonly clock: Clock,
    private readonly devices: VoiceDevices,
  ) {
    this.meter = new LevelMeter(clock, (track) => devices.read(track));
  }

  /** Ask for the microphone and begin. Resolves when recording runs, or failed. */
  async start(): Promise<void> {
    this.cancel();
    const mine = ++this.round;
    this.state.set("asking");
    let stream: MediaStream;
    try {
      stream = await this.devices.open();
    } catch (error) {
      if (mine === this.round) this.fail(deviceProblem(error));
      return;
    }
    if (mine !== this.round) return release(stream);
    this.begin(stream, mine);
  }

  private begin(stream: MediaStream, mine: number): void {
    const track = stream.getAudioTracks()[0];
    const type = TYPES.find((one) => this.devices.supports(one)) ?? null;
    const pieces: Blob[] = [];
    try {
      const recorder = this.devices.record(stream, type);
      recorder.addEventListener("dataavailable", (event) => event.data.size > 0 && pieces.push(event.data));
      recorder.addEventListener("stop", () => mine === this.round && this.finish(pieces, recorder.mimeType));
      recorder.addEventListener("error", () => mine === this.round && this.interrupt());
      recorder.start(PIECE_MS);
      this.recorder = recorder;
    } catch {
      release(stream);
      return this.fail("unsupported");
    }
    this.stream = stream;
    track?.addEventListener("ended", this.interrupt, { once: true });
    this.meter.watchTrack(track ?? null);
    const startedMs = this.clock.nowMs();
    this.state.set("recording");
    this.cancelTick = this.clock.every(TICK_MS, () => {
      this.elapsedMs.set(Math.min(VOICE_LIMIT_MS, this.clock.nowMs() - startedMs));
      this.levels.set([...this.levels.value, this.meter.level.value]);
      if (this.elapsedMs.value >= VOICE_LIMIT_MS) this.end("limit");
    });
  }

  /** That was all: on to listening. */
  stop(): void {
    if (this.state.value === "asking") return this.cancel();
    this.end(null);
  }

  /** A telephone call, another app, the page in the background: what was said until now is kept. */
  readonly interrupt = (): void => this.end("interrupted");

  private end(by: VoiceEnd): void {
    if (this.state.value !== "recording") return;
    this.endedBy = by;
    this.cancelTick();
    // A recorder whose track ended has stopped by itself and says so.
    if (this.recorder?.state !== "inactive") this.recorder?.stop();
  }

  private finish(pieces: Blob[], mimeType: string): void {
    const durationMs = this.elapsedMs.value;
    this.letGo();
    const content = new Blob(pieces, { type: mimeType });
    if (durationMs < VOICE_LEAST_MS || content.size === 0) return this.fail("too_short");
    // The parameters of the type are the recorder's business; the server looks into the bytes.
    const type = mimeType.split(";")[0] || "audio/webm";
    this.recording = { content, type, durationMs, levels: this.levels.value };
    this.state.set("ready");
  }

  /** Throw everything away, at any moment. */
  cancel(): void {
    this.round += 1;
    this.cancelTick();
    if (this.recorder && this.recorder.state !== "inactive") this.recorder.stop();
    this.letGo();
    this.recording = null;
    this.fault = null;
    this.endedBy = null;
    this.elapsedMs.set(0);
    this.levels.set([]);
    this.state.set("idle");
  }

  private fail(fault: VoiceFault): void {
    this.letGo();
    this.fault = fault;
    this.state.set("failed");
  }

  /** The light of the microphone goes out as soon as nothing is recorded. */
  private letGo(): void {
    this.cancelTick();
    this.meter.stop();
    this.stream?.getAudioTracks()[0]?.removeEventListener("ended", this.interrupt);
    if (this.stream) release(this.stream);
    this.stream = null;
    this.recorder = null;
  }
}

function release(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** The file's ending for a type that a browser records. */
export function voiceFileName(type: string, at: Date): string {
  const ending = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
  const stamp = at.toISOString().replace(/[-:]/gu, "").slice(0, 15);
  return `voice-${stamp}.${ending}`;
}
