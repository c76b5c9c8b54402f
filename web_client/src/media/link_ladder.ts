/**
 * What to do when a link breaks, step by step: wait a moment, restart ICE, build a fresh transport, sit down again.
 * Knows no peer connection: it hears states and calls steps, so its whole behaviour is tested with a fake clock.
 */
import type { Clock } from "./clock";
import { Observable, type Unsubscribe } from "./observable";
import type { LinkState } from "./publish_link";
import { Refusal } from "./words";

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
/** Between two ICE restarts that the server never heard of: a line that is down answers nobody. */
export const ASK_AGAIN_MS = 1_000;

export class LinkLadder {
  readonly rung = new Observable<Rung>("steady");
  private state: LinkState = "new";
  private isSignallingUp = true;
  /** The network changed and the server has not heard of it yet: the link may look well and be dead. */
  private isSuspect = false;
  /** The server heard of the step that is being tried. */
  private isHeard = false;
  private isAsking = false;
  private attempts = 0;
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
    if (this.state === "new" || this.state === "closed") return;
    this.isSuspect = true;
    if (this.isSignallingUp && (this.rung.value === "steady" || this.rung.value === "doubtful")) this.climbFrom("doubtful");
  }

  /** The server heard of the change by another door: what looks well may be believed again. */
  told(): void {
    this.heard();
  }

  /**
   * Nothing can be negotiated while the socket is down; the ladder waits for it and then tries at once.
   * `isRestarting`: the server restarts ICE on this link by itself, only its success is watched.
   */
  signallingChanged(isUp: boolean, isRestarting = false): void {
    const wasUp = this.isSignallingUp;
    this.isSignallingUp = isUp;
    if (!isUp) return this.cancel();
    if (wasUp) return;
    if (this.state === "connected" && !this.isSuspect) return this.settle();
    if (this.state === "new" || this.state === "closed") return;
    if (!isRestarting) return this.climbFrom("doubtful");
    this.heard();
    this.enter("ice_restart", ICE_RESTART_MS);
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
    // A step that never reached the server proves a dead line, not a dead transport: what may heal by itself is kept.
    if (rung === "ice_restart" && this.isHeard) return this.attempt("fresh", FRESH_MS, () => this.steps.fresh());
    if (rung === "ice_restart" && this.isAsking) return this.wait(ASK_AGAIN_MS);
    if (rung === "ice_restart") return this.attempt("ice_restart", ICE_RESTART_MS, () => this.steps.restartIce());
    this.cancel();
    this.rung.set("rejoin");
    this.steps.rejoin(rung);
  }

  private attempt(rung: Rung, limitMs: number, step: () => Promise<void>): void {
    this.isHeard = false;
    this.isAsking = true;
    this.enter(rung, limitMs);
    const attempt = ++this.attempts;
    const isCurrent = (): boolean => {
      if (attempt !== this.attempts) return false;
      this.isAsking = false;
      return this.rung.value === rung && this.isSignallingUp;
    };
    step().then(
      () => isCurrent() && this.heard(),
      (error: unknown) => {
        if (!isCurrent()) return;
        // No answer at all: asked again soon. An answer that says no: the next step.
        if (rung === "ice_restart" && error instanceof Refusal && error.retryable) return this.wait(ASK_AGAIN_MS);
        this.heard();
        this.climbFrom(rung);
      },
    );
  }

  private heard(): void {
    this.isHeard = true;
    this.isSuspect = false;
  }

  private enter(rung: Rung, limitMs: number): void {
    this.rung.set(rung);
    this.wait(limitMs);
  }

  private wait(limitMs: number): void {
    this.cancel();
    this.cancelTimer = this.clock.after(limitMs, () => {
      this.cancelTimer = null;
      if (this.state === "connected" && !this.isSuspect) this.settle();
      else if (this.isSignallingUp) this.climbFrom(this.rung.value);
    });
  }

  private cancel(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }
}
