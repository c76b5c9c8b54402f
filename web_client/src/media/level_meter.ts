/** How loud a microphone is, 0..1, for a moving bar and for noticing a microphone that gives nothing. */
import type { Clock } from "./clock";
import { Observable, type Unsubscribe } from "./observable";

/** Eyes see no more than this many steps a second, and phones stay cool. */
const READ_EVERY_MS = 80;
/** Quieter than this is drawn as nothing; speech into a phone is around -30 dBFS. */
const FLOOR_DBFS = -60;
const CEILING_DBFS = -10;

/** Root mean square of samples in -1..1, drawn on a scale of decibels: 0 at the floor, 1 at the ceiling. */
export function levelOf(samples: Float32Array): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const dbfs = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, (dbfs - FLOOR_DBFS) / (CEILING_DBFS - FLOOR_DBFS)));
}

/** True when every sample is the same: not quiet, but dead. A living microphone always has some noise. */
export function isDigitalSilence(samples: Float32Array): boolean {
  const first = samples[0] ?? 0;
  return samples.every((sample) => sample === first);
}

export interface SampleReader {
  read(into: Float32Array<ArrayBuffer>): void;
  readonly size: number;
  close(): void;
}

export class LevelMeter {
  readonly level = new Observable(0);
  /** Milliseconds of unbroken digital silence. */
  readonly deadForMs = new Observable(0);
  private cancel: Unsubscribe | null = null;
  private reader: SampleReader | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly open: (track: MediaStreamTrack) => SampleReader | null,
  ) {}

  watchTrack(track: MediaStreamTrack | null): void {
    this.stop();
    this.reader = track ? this.open(track) : null;
    if (!this.reader) return;
    const samples = new Float32Array(this.reader.size);
    let deadSinceMs: number | null = null;
    this.cancel = this.clock.every(READ_EVERY_MS, () => {
      this.reader?.read(samples);
      this.level.set(levelOf(samples));
      const isDead = isDigitalSilence(samples);
      if (!isDead) deadSinceMs = null;
      else deadSinceMs ??= this.clock.nowMs();
      this.deadForMs.set(deadSinceMs === null ? 0 : this.clock.nowMs() - deadSinceMs);
    });
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
    this.reader?.close();
    this.reader = null;
    this.level.set(0);
    this.deadForMs.set(0);
  }
}

let sharedContext: AudioContext | null = null;

/** One audio context for the page: phones allow only a few. Called inside a tap it also wakes a sleeping one. */
export function audioContext(): AudioContext | null {
  if (typeof AudioContext === "undefined") return null;
  sharedContext ??= new AudioContext();
  if (sharedContext.state !== "running") void sharedContext.resume().catch(() => undefined);
  return sharedContext;
}

/** Phones put the context to sleep during a call and in the background; a page that is seen again wakes it. */
export function wakeAudioContext(): void {
  if (sharedContext) audioContext();
}

/** Reads a live track's samples through an analyser; null where the browser has no Web Audio. */
export function openSampleReader(track: MediaStreamTrack): SampleReader | null {
  const context = audioContext();
  if (!context) return null;
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  return {
    size: analyser.fftSize,
    read(into) {
      // A suspended context gives zeros for ever: that is the browser's sleep, not a dead microphone.
      if (context.state === "running") analyser.getFloatTimeDomainData(into);
      else into.forEach((_, index) => (into[index] = index % 2 === 0 ? 1e-5 : -1e-5));
    },
    close() {
      source.disconnect();
    },
  };
}
