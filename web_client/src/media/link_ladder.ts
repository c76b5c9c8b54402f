/**
 * What to do when a link breaks, step by step: wait a moment, restart ICE, build a fresh transport, sit down again.
 * Knows no peer connection: it hears states and calls steps, so its whole behaviour is tested with a fake clock.
 */
import type { Clock } from "./clock";
import { Observable, type Unsubscribe } from "./observable";
import type { LinkState } from "./publish_link";

/** `steady` all well (or never connected yet) · `doubtful` a short hole · the rest: the step that is being tried. */
export type Rung = "steady" | "doubtful" | "ice_restart" | "fresh" | "rejoin";

export interface LadderSteps {
  restartIce(): Promise<void>;
  fresh(): Promise<void>;
  rejoin(reason: string): void;
}

/** Browsers say "disconnected" after about 2.5 s without an answer; a hole this short closes by itself. */
export const DOUBT_MS = 1_500;
/** An ICE restart over a phone network needs two to three round trips and a DTLS-less check: 4 s is generous. */
export const ICE_RESTART_MS = 4_000;
export const FRESH_MS = 6_000;
/** First connection: a slow TCP fallback included. */
export const FIRST_CONNECT_MS = 12_000;

export class LinkLadder {
  readonly rung = new Observable<Rung>("steady");
  private state: LinkState = "new";
  private isSignallingUp = true;
  private cancelTimer: Unsubscribe | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly steps: LadderSteps,
  ) {}

  linkChanged(state: LinkState): void {
    this.state = state;
    if (state === "connected") return this.settle();
    if (state === "closed") return this.stop();
    if (!this.isSignallingUp) return;
    if (state === "failed") return this.climbFrom("doubtful");
    if (state === "disconnected" && this.rung.value === "steady") this.enter("doubtful", DOUBT_MS);
    if (state === "connecting" && this.rung.value === "steady") this.wait(FIRST_CONNECT_MS);
  }

  /** The phone left Wi-Fi, came online or woke up: do not wait for ICE to notice. */
  networkChanged(): void {
    if (this.state === "new" || this.state === "closed" || !this.isSignallingUp) return;
    if (this.rung.value === "steady" || this.rung.value === "doubtful") this.climbFrom("doubtful");
  }

  /** Nothing can be negotiated while the socket is down; the ladder waits for it and then tries at once. */
  signallingChanged(isUp: boolean): void {
    this.isSignallingUp = isUp;
    if (!isUp) return this.cancel();
    if (this.state === "connected" || this.state === "new" || this.state === "closed") return;
    this.climbFrom("doubtful");
  }

  stop(): void {
    this.cancel();
    this.rung.set("steady");
  }

  private settle(): void {
    this.cancel();
    this.rung.set("steady");
  }

  private climbFrom(rung: Rung): void {
    if (rung === "steady" || rung === "doubtful") return this.attempt("ice_restart", ICE_RESTART_MS, () => this.steps.restartIce());
    if (rung === "ice_restart") return this.attempt("fresh", FRESH_MS, () => this.steps.fresh());
    this.cancel();
    this.rung.set("rejoin");
    this.steps.rejoin(rung);
  }

  private attempt(rung: Rung, limitMs: number, step: () => Promise<void>): void {
    this.enter(rung, limitMs);
    step().catch(() => {
      if (this.rung.value === rung && this.isSignallingUp) this.climbFrom(rung);
    });
  }

  private enter(rung: Rung, limitMs: number): void {
    this.rung.set(rung);
    this.wait(limitMs);
  }

  private wait(limitMs: number): void {
    this.cancel();
    this.cancelTimer = this.clock.after(limitMs, () => {
      this.cancelTimer = null;
      if (this.state !== "connected" && this.isSignallingUp) this.climbFrom(this.rung.value);
      else if (this.state === "connected") this.settle();
    });
  }

  private cancel(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }
}
