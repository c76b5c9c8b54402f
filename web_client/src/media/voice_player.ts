/** Plays voice messages: one at a time on the whole page, at the speed the person chose. */
import { Observable } from "./observable";

export const SPEEDS = [1, 1.5, 2] as const;

export interface VoicePosition {
  /** Which message; null when none was ever begun. */
  id: string | null;
  isPlaying: boolean;
  isLoading: boolean;
  positionMs: number;
  hasFailed: boolean;
}

const NOTHING: VoicePosition = { id: null, isPlaying: false, isLoading: false, positionMs: 0, hasFailed: false };

export class VoicePlayer {
  readonly now = new Observable<VoicePosition>(NOTHING);
  readonly speed = new Observable<number>(1);
  private audio: HTMLAudioElement | null = null;

  constructor(
    private readonly make: () => HTMLAudioElement,
    /** Heard to its end, or nearly. */
    private readonly onHeard: (id: string) => void = () => undefined,
  ) {}

  /** Begin, pause or go on. Called inside the tap: phones play nothing otherwise. */
  toggle(id: string, address: string): void {
    const { now } = this;
    if (now.value.id === id && this.audio) {
      if (now.value.isPlaying) return this.audio.pause();
      return this.play();
    }
    this.load(id, address, 0);
    this.play();
  }

  /** Go to a place, in a message that may not have been begun. */
  seek(id: string, address: string, positionMs: number): void {
    if (this.now.value.id !== id) this.load(id, address, positionMs);
    else if (this.audio) this.audio.currentTime = positionMs / 1000;
    this.change({ positionMs });
  }

  nextSpeed(): void {
    const at = SPEEDS.findIndex((one) => one === this.speed.value);
    this.speed.set(SPEEDS[(at + 1) % SPEEDS.length] ?? 1);
    if (this.audio) this.audio.playbackRate = this.speed.value;
  }

  stop(): void {
    this.audio?.pause();
    this.audio?.removeAttribute("src");
    this.audio = null;
    this.now.set(NOTHING);
  }

  private load(id: string, address: string, positionMs: number): void {
    this.audio?.pause();
    const audio = this.make();
    this.audio = audio;
    const mine = (work: () => void) => () => this.audio === audio && work();
    audio.preload = "metadata";
    audio.src = address;
    audio.addEventListener("loadedmetadata", mine(() => positionMs > 0 && (audio.currentTime = positionMs / 1000)));
    audio.addEventListener("playing", mine(() => this.change({ isPlaying: true, isLoading: false, hasFailed: false })));
    audio.addEventListener("waiting", mine(() => this.change({ isLoading: true })));
    audio.addEventListener("pause", mine(() => this.change({ isPlaying: false, isLoading: false })));
    audio.addEventListener("timeupdate", mine(() => this.change({ positionMs: audio.currentTime * 1000 })));
    audio.addEventListener("ended", mine(() => this.ended(id)));
    audio.addEventListener("error", mine(() => this.change({ isPlaying: false, isLoading: false, hasFailed: true })));
    this.now.set({ ...NOTHING, id, positionMs });
  }

  private play(): void {
    const audio = this.audio;
    if (!audio) return;
    audio.playbackRate = this.speed.value;
    this.change({ isLoading: true, hasFailed: false });
    // A pause right after is no failure; a browser that refuses sound is told of by the button that stays.
    void audio.play().catch((error: unknown) => {
      if (this.audio !== audio) return;
      const isPaused = error instanceof DOMException && error.name === "AbortError";
      this.change({ isPlaying: false, isLoading: false, hasFailed: !isPaused && this.now.value.hasFailed });
    });
  }

  private ended(id: string): void {
    this.change({ isPlaying: false, positionMs: 0 });
    if (this.audio) this.audio.currentTime = 0;
    this.onHeard(id);
  }

  private change(parts: Partial<VoicePosition>): void {
    this.now.set({ ...this.now.value, ...parts });
  }
}
