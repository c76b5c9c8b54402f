import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { effectScope } from "vue";
import { useCountdown } from "./countdown";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("countdown", () => {
  it("goes by the clock, also over a page that slept", () => {
    let now = 0;
    const scope = effectScope();
    const { left, start } = scope.run(() => useCountdown(() => now))!;
    start(60);
    expect(left.value).toBe(60);
    now = 45_400; // Timers stood still meanwhile.
    vi.advanceTimersByTime(500);
    expect(left.value).toBe(15);
    now = 60_000;
    vi.advanceTimersByTime(500);
    expect(left.value).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    start(5);
    scope.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
