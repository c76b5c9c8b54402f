/** What happens to the page on a phone: hidden, frozen, woken, moved to another network. */
import type { Clock } from "./clock";
import { Leash } from "./observable";

export interface PageEvents {
  hidden(): void;
  visible(): void;
  /** The page slept (frozen tab, locked phone) and timers stood still: every connection is suspect. */
  woke(sleptMs: number): void;
  networkChanged(): void;
}

const TICK_MS = 1_000;
/** Timers of a visible page may be late by a second or two under load; five is a page that stood still. */
const SLEEP_MS = 5_000;

interface NetworkInformation extends EventTarget {
  type?: string;
}

export class PageWatch {
  private readonly leash = new Leash();
  private lastTickMs: number;

  constructor(
    private readonly events: PageEvents,
    private readonly clock: Clock,
    private readonly page: Document = document,
    private readonly frame: Window = window,
  ) {
    this.lastTickMs = clock.nowMs();
    this.listen(page, "visibilitychange", () => (page.visibilityState === "hidden" ? events.hidden() : events.visible()));
    this.listen(frame, "pageshow", (event) => {
      // Back from the browser's page store: sockets died without a word.
      if ((event as PageTransitionEvent).persisted) events.woke(this.sleptMs());
    });
    this.listen(page, "resume", () => events.woke(this.sleptMs()));
    this.listen(frame, "online", () => events.networkChanged());
    this.watchNetworkType();
    this.watchSleep();
  }

  close(): void {
    this.leash.release();
  }

  private watchNetworkType(): void {
    const network = (this.frame.navigator as Navigator & { connection?: NetworkInformation }).connection;
    if (!network?.addEventListener) return;
    let type = network.type;
    // "change" also fires when only the estimated speed moved.
    this.listen(network, "change", () => {
      if (network.type === type) return;
      type = network.type;
      if (type !== "none") this.events.networkChanged();
    });
  }

  /** How long nothing ran here; at least what counts as a sleep. */
  private sleptMs(): number {
    return Math.max(SLEEP_MS, this.clock.nowMs() - this.lastTickMs);
  }

  private watchSleep(): void {
    this.leash.hold(
      this.clock.every(TICK_MS, () => {
        const sleptMs = this.clock.nowMs() - this.lastTickMs - TICK_MS;
        this.lastTickMs = this.clock.nowMs();
        // Hidden pages are throttled to one tick a minute: late, but alive.
        if (sleptMs > SLEEP_MS && this.page.visibilityState === "visible") this.events.woke(sleptMs);
      }),
    );
  }

  private listen(target: EventTarget, type: string, handler: (event: Event) => void): void {
    target.addEventListener(type, handler);
    this.leash.hold(() => target.removeEventListener(type, handler));
  }
}
