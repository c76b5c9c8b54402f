/** Records one sentence of a microphone and hands it back to be listened to: the door's sound check. Stays on the device. */
import type { Clock } from "./clock";
import { Observable, type Unsubscribe } from "./observable";

/** Long enough for a name and a sentence, short enough to be heard in full. */
export const SENTENCE_MS = 5_000;

export type SampleState = "empty" | "recording" | "ready" | "unsupported" | "failed";

/** First what Chromium and Firefox write, then what Safari writes. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"] as const;

export class VoiceSample {
  readonly state = new Observable<SampleState>("empty");
  readonly elapsedMs = new Observable(0);
  url: string | null = null;
  private recorder: MediaRecorder | null = null;
  private cancel: Unsubscribe = () => undefined;

  constructor(private readonly clock: Clock) {}

  start(track: MediaStreamTrack): void {
    this.clear();
    if (typeof MediaRecorder === "undefined") return this.state.set("unsupported");
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const pieces: Blob[] = [];
    try {
      const recorder = new MediaRecorder(new MediaStream([track]), mimeType ? { mimeType } : {});
      this.recorder = recorder;
      recorder.addEventListener("dataavailable", (event) => event.data.size > 0 && pieces.push(event.data));
      recorder.addEventListener("stop", () => this.finished(recorder, pieces));
      recorder.addEventListener("error", () => this.state.set("failed"));
      recorder.start();
    } catch {
      return this.state.set("failed");
    }
    this.state.set("recording");
    const startedMs = this.clock.nowMs();
    this.cancel = this.clock.every(100, () => {
      this.elapsedMs.set(Math.min(SENTENCE_MS, this.clock.nowMs() - startedMs));
      if (this.elapsedMs.value >= SENTENCE_MS) this.stop();
    });
  }

  stop(): void {
    this.cancel();
    if (this.recorder?.state === "recording") this.recorder.stop();
  }

  clear(): void {
    this.stop();
    this.recorder = null;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
    this.elapsedMs.set(0);
    this.state.set("empty");
  }

  private finished(recorder: MediaRecorder, pieces: Blob[]): void {
    if (recorder !== this.recorder) return;
    const blob = new Blob(pieces, { type: recorder.mimeType });
    if (blob.size === 0) return this.state.set("failed");
    this.url = URL.createObjectURL(blob);
    this.state.set("ready");
  }
}
