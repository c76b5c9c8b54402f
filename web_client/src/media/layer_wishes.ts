/** How large each picture is on this screen, told to the server so that it sends no larger layer than is seen. */
import type { Clock } from "./clock";
import type { Unsubscribe } from "./observable";
import type { Source } from "./words";

/** Heights the server is asked for; between them lie the three simulcast layers. 0 = not on the screen. */
const STEPS_PX = [180, 360, 720, 1080] as const;
/** A picture that grew is wanted at once; one that shrank may grow again while a finger still drags. */
const GROW_AFTER_MS = 100;
const SHRINK_AFTER_MS = 1_500;
/** Past two device pixels for one the eye gains nothing and the phone gets warm. */
const MOST_PIXEL_RATIO = 2;

/** The smallest step that covers a tile of this many CSS pixels. */
export function heightWish(tileHeightPx: number, pixelRatio: number): number {
  if (tileHeightPx < 1) return 0;
  // A tenth of upscaling is not seen: it saves a layer four times as heavy.
  const neededPx = tileHeightPx * Math.min(pixelRatio, MOST_PIXEL_RATIO) * 0.9;
  return STEPS_PX.find((step) => step >= neededPx) ?? STEPS_PX[STEPS_PX.length - 1]!;
}

export type SendWish = (identity: string, source: Source, maxHeightPx: number) => void;

interface Wish {
  identity: string;
  source: Source;
  sentPx: number | null;
  wantedPx: number;
  cancel: Unsubscribe | null;
}

export class LayerWishes {
  private readonly wishes = new Map<string, Wish>();
  private isResting = false;

  constructor(
    private readonly clock: Clock,
    private readonly send: SendWish,
    private readonly pixelRatio: () => number = () => globalThis.devicePixelRatio || 1,
  ) {}

  /** A tile was laid out, resized or (0) taken off the screen. */
  tileSized(identity: string, source: Source, tileHeightPx: number): void {
    const key = `${identity}/${source}`;
    const wish = this.wishes.get(key) ?? { identity, source, sentPx: null, wantedPx: -1, cancel: null };
    this.wishes.set(key, wish);
    const wantedPx = heightWish(tileHeightPx, this.pixelRatio());
    if (wantedPx === wish.wantedPx) return;
    wish.wantedPx = wantedPx;
    wish.cancel?.();
    wish.cancel = null;
    if (wantedPx === wish.sentPx) return;
    const isGrowing = wish.sentPx === null || wantedPx > wish.sentPx;
    wish.cancel = this.clock.after(isGrowing ? GROW_AFTER_MS : SHRINK_AFTER_MS, () => this.say(wish));
  }

  /** Asks for nobody's face, or for all of them again. A shown screen is evidence: it stays. */
  restFaces(isResting: boolean): void {
    if (isResting === this.isResting) return;
    this.isResting = isResting;
    for (const wish of this.wishes.values()) if (wish.source === "camera") this.say(wish);
  }

  /** A new seat knows nothing of what was wished before. */
  sayAgain(): void {
    for (const wish of this.wishes.values()) this.say(wish);
  }

  close(): void {
    for (const wish of this.wishes.values()) wish.cancel?.();
    this.wishes.clear();
  }

  private say(wish: Wish): void {
    wish.cancel?.();
    wish.cancel = null;
    wish.sentPx = wish.wantedPx;
    this.send(wish.identity, wish.source, this.isResting && wish.source === "camera" ? 0 : wish.wantedPx);
  }
}
