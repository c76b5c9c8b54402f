/**
 * Notices that a phone call, Siri or another app took the microphone or camera away, and says when it is back.
 * Phones signal it in three ways: the track ends, the track mutes itself, or it stays "live" and delivers dead silence
 * (reported for iOS by several conference programs); so all three are watched.
 */
import type { DeviceBook, DeviceKind, DeviceState } from "./device_book";
import { Leash, Observable, type Unsubscribe } from "./observable";

export interface CaptureTrouble {
  kind: DeviceKind;
  cause: "ended" | "muted_by_system" | "dead_silence";
}

/** A mute that lasts less is a camera changing its exposure or a headset being plugged in. */
const MUTE_PATIENCE_MS = 800;
/** Speech pauses are never digitally dead; this is long enough for a Bluetooth headset to switch profile. */
export const DEAD_SILENCE_MS = 4_000;

export interface CaptureWatchOptions {
  book: DeviceBook;
  after(delayMs: number, run: () => void): Unsubscribe;
  deadForMs: { watch(watcher: (ms: number) => void): Unsubscribe };
  /** Whether the person wants the microphone on: a switched-off one is silent by intention. */
  wantsSound(): boolean;
}

export class CaptureWatch {
  readonly trouble = new Observable<readonly CaptureTrouble[]>([]);
  private readonly leash = new Leash();
  private readonly perTrack = new Map<DeviceKind, Leash>();

  constructor(private readonly options: CaptureWatchOptions) {
    for (const kind of ["microphone", "camera"] as const) {
      const state = options.book.state(kind);
      this.follow(kind, state.value);
      this.leash.hold(state.watch((next) => this.follow(kind, next)));
    }
    this.leash.hold(options.deadForMs.watch((ms) => this.silenceSeen(ms)));
  }

  close(): void {
    this.leash.release();
    for (const leash of this.perTrack.values()) leash.release();
  }

  private follow(kind: DeviceKind, state: DeviceState): void {
    this.perTrack.get(kind)?.release();
    const leash = new Leash();
    this.perTrack.set(kind, leash);
    this.clear(kind);
    const track = state.track;
    if (!track) return;
    let cancelPatience: Unsubscribe = () => undefined;
    const onEnded = (): void => this.add({ kind, cause: "ended" });
    const onMute = (): void => {
      cancelPatience();
      cancelPatience = this.options.after(MUTE_PATIENCE_MS, () => this.add({ kind, cause: "muted_by_system" }));
    };
    const onUnmute = (): void => {
      cancelPatience();
      this.clear(kind);
    };
    track.addEventListener("ended", onEnded);
    track.addEventListener("mute", onMute);
    track.addEventListener("unmute", onUnmute);
    if (track.muted) onMute();
    leash.hold(() => {
      cancelPatience();
      track.removeEventListener("ended", onEnded);
      track.removeEventListener("mute", onMute);
      track.removeEventListener("unmute", onUnmute);
    });
  }

  private silenceSeen(deadForMs: number): void {
    const isDead = deadForMs >= DEAD_SILENCE_MS && this.options.wantsSound();
    const known = this.trouble.value.find(({ kind }) => kind === "microphone");
    // A track that ended is silent as well: the graver word stays.
    if (known && known.cause !== "dead_silence") return;
    if (isDead && !known) this.add({ kind: "microphone", cause: "dead_silence" });
    if (deadForMs === 0 && known) this.clear("microphone");
  }

  private add(trouble: CaptureTrouble): void {
    this.trouble.set([...this.trouble.value.filter(({ kind }) => kind !== trouble.kind), trouble]);
  }

  private clear(kind: DeviceKind): void {
    if (this.trouble.value.some((trouble) => trouble.kind === kind)) {
      this.trouble.set(this.trouble.value.filter((trouble) => trouble.kind !== kind));
    }
  }
}
