/** Time for the media layer, injected so that tests need not wait. */
import type { Unsubscribe } from "./observable";

export interface Clock {
  /** Monotonic milliseconds. */
  nowMs(): number;
  after(delayMs: number, run: () => void): Unsubscribe;
  every(periodMs: number, run: () => void): Unsubscribe;
}

export const browserClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  every(periodMs, run) {
    const timer = setInterval(run, periodMs);
    return () => clearInterval(timer);
  },
};

/** Rejects when `work` has not settled in time: every outside wait has a timeout. */
export function within<T>(work: Promise<T>, limitMs: number, what: string, clock: Clock = browserClock): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(limitMs, () => reject(new TimedOut(what, limitMs)));
    work.then(resolve, reject).finally(cancel);
  });
}

export class TimedOut extends Error {
  constructor(what: string, limitMs: number) {
    super(`${what} took longer than ${limitMs} ms`);
    this.name = "TimedOut";
  }
}
