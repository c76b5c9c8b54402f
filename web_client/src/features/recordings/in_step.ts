/** Several films of one length played as one: one clock, one seek, one pause; who falls behind is brought back. */

/** What is used of a video element. */
export type Playable = Pick<
  HTMLMediaElement,
  "currentTime" | "paused" | "seeking" | "readyState" | "playbackRate" | "duration" | "play" | "pause"
>;

/** Farther apart than a glance sees and an ear hears between two people's tracks: the rate brings it back. */
export const NEAR_S = 0.04;
/** Beyond this the rate would take too long: jump. */
export const FAR_S = 0.6;
/** What nobody hears in a voice whose pitch is kept. */
export const MOST_BEND = 0.05;
/** Enough to play on (HTMLMediaElement.HAVE_FUTURE_DATA). */
const ENOUGH = 3;

/** How a follower is brought back to the leader: at which rate, or by a jump to where. */
export function correction(leaderS: number, followerS: number): { rate: number; jumpTo: number | null } {
  const behind = leaderS - followerS;
  if (Math.abs(behind) > FAR_S) return { rate: 1, jumpTo: leaderS };
  if (Math.abs(behind) <= NEAR_S) return { rate: 1, jumpTo: null };
  // Half of the difference in a second, within what is not heard.
  return { rate: 1 + Math.max(-MOST_BEND, Math.min(MOST_BEND, behind / 2)), jumpTo: null };
}

export class InStep {
  private readonly films = new Map<string, Playable>();
  private wantsToPlay = false;
  /** Where they are to be; films that come later join there. */
  private atS = 0;

  /** A film comes (or goes: null). It waits where the others are. */
  set(key: string, film: Playable | null): void {
    if (film === null) {
      this.films.delete(key);
      return;
    }
    this.films.set(key, film);
    if (this.atS > 0) film.currentTime = this.atS;
    if (this.wantsToPlay) void film.play().catch(() => undefined);
  }

  get isPlaying(): boolean {
    return this.wantsToPlay;
  }

  /** Somebody waits for bytes, so all wait. */
  get isWaiting(): boolean {
    return this.wantsToPlay && ![...this.films.values()].every(isReady);
  }

  get nowS(): number {
    return this.atS;
  }

  /** Must be called within a tap: phones begin no sound without one. */
  play(): void {
    this.wantsToPlay = true;
    for (const film of this.films.values()) void film.play().catch(() => undefined);
  }

  pause(): void {
    this.wantsToPlay = false;
    for (const film of this.films.values()) film.pause();
  }

  seek(seconds: number): void {
    this.atS = Math.max(0, seconds);
    for (const film of this.films.values()) {
      film.currentTime = this.atS;
      film.playbackRate = 1;
    }
  }

  /** Called a few times a second: holds all while one waits, starts all together, brings back who is behind. */
  tick(): void {
    const [leader, ...followers] = this.films.values();
    if (leader === undefined) return;
    if (!this.wantsToPlay) return;
    if (isEnded(leader)) {
      this.pause();
      return;
    }
    if (this.isWaiting) {
      // The one that waits goes on asking for its bytes: paused, some phones fetch none.
      for (const film of this.films.values()) if (isReady(film)) film.pause();
      return;
    }
    this.atS = leader.currentTime;
    for (const film of this.films.values()) if (film.paused && !isEnded(film)) void film.play().catch(() => undefined);
    for (const film of followers) {
      const { rate, jumpTo } = correction(leader.currentTime, film.currentTime);
      if (jumpTo !== null) film.currentTime = jumpTo;
      if (film.playbackRate !== rate) film.playbackRate = rate;
    }
  }
}

const isEnded = (film: Playable): boolean => film.duration > 0 && film.currentTime >= film.duration - 0.1;
const isReady = (film: Playable): boolean => !film.seeking && (film.readyState >= ENOUGH || isEnded(film));
