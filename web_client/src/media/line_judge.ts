/**
 * How one's own line is, in words a person can act on. Pure: figures in, a word out, slow to change its mind, because
 * a warning that comes and goes is worse than the weak line itself.
 */
import type { LinkFigures, TrackFigures } from "./link_figures";

/** Which way is weak: what others hear of me, what I hear of them, or both. */
export type WeakWay = "up" | "down" | "both";

export interface LineWord {
  weak: WeakWay | null;
  /** Weak for so long that giving up pictures is worth offering. */
  isLasting: boolean;
  /** Well again for so long that pictures may come back. */
  isRecovered: boolean;
}

export interface LineReading {
  up: LinkFigures;
  down: LinkFigures;
  /** The court's server calls the line weak, or a link is being mended. */
  isWeakForServer: boolean;
}

export const FINE: LineWord = { weak: null, isLasting: false, isRecovered: false };

/** The server's own limits (`media.weak_loss_ratio`, `media.weak_rtt_ms`): court and person hear the same word. */
const WEAK_LOSS = 0.05;
const WEAK_RTT_MS = 400;
/** Below this a voice and the smallest picture no longer fit side by side. */
const WEAK_UP_BPS = 200_000;
/** Three readings of two seconds: a passing tram is no weak line. */
const SAY_AFTER_MS = 6_000;
const TAKE_BACK_AFTER_MS = 10_000;
const LASTING_AFTER_MS = 20_000;
const RECOVERED_AFTER_MS = 30_000;

/** The worst loss of any track: voices first suffer, pictures first show it. */
const worstLoss = (tracks: readonly TrackFigures[]): number => Math.max(0, ...tracks.map(({ lossRatio }) => lossRatio ?? 0));
const isSlow = ({ rttMs }: LinkFigures): boolean => (rttMs ?? 0) >= WEAK_RTT_MS;

/** What one reading says, without memory. */
export function weakWay({ up, down, isWeakForServer }: LineReading): WeakWay | null {
  const { availableBitsPerSecond: room } = up;
  const isUpWeak = worstLoss(up.tracks) >= WEAK_LOSS || isSlow(up) || (room !== null && room < WEAK_UP_BPS);
  const isDownWeak = worstLoss(down.tracks) >= WEAK_LOSS || isSlow(down);
  if (isUpWeak && isDownWeak) return "both";
  if (isUpWeak) return "up";
  if (isDownWeak) return "down";
  return isWeakForServer ? "both" : null;
}

export class LineJudge {
  private said: WeakWay | null = null;
  private weakSinceMs: number | null = null;
  private wellSinceMs: number | null = null;
  private hadTrouble = false;

  /** One reading, some two seconds after the one before. */
  take(reading: LineReading, nowMs: number): LineWord {
    const seen = weakWay(reading);
    if (seen === null) {
      this.wellSinceMs ??= nowMs;
      if (nowMs - this.wellSinceMs >= TAKE_BACK_AFTER_MS) {
        this.said = null;
        this.weakSinceMs = null;
      }
    } else {
      this.wellSinceMs = null;
      this.weakSinceMs ??= nowMs;
      if (nowMs - this.weakSinceMs >= SAY_AFTER_MS) {
        // The way may widen; narrowing it while the line is weak would only make the sentence flicker.
        this.said = this.said === null || this.said === seen ? seen : "both";
        this.hadTrouble = true;
      }
    }
    return {
      weak: this.said,
      isLasting: this.said !== null && nowMs - (this.weakSinceMs ?? nowMs) >= LASTING_AFTER_MS,
      isRecovered: this.hadTrouble && this.wellSinceMs !== null && nowMs - this.wellSinceMs >= RECOVERED_AFTER_MS,
    };
  }
}
