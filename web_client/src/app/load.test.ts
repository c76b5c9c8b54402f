import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { effectScope } from "vue";
import { Problem } from "@/api/problem";
import { useAct, useLoad } from "./load";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const away = new Problem({ code: "network.offline", title: "" });

describe("loading a page's data", () => {
  it("keeps what was read when a later reading fails, and says so", async () => {
    const answers: (number | Problem)[] = [1, away, 2];
    const read = async (): Promise<number> => {
      const next = answers.shift();
      if (typeof next === "number") return next;
      throw next;
    };
    const scope = effectScope();
    const { data, problem, load } = scope.run(() => useLoad(read))!;
    await vi.advanceTimersByTimeAsync(0);
    expect([data.value, problem.value]).toEqual([1, null]);
    await load();
    expect([data.value, problem.value]).toEqual([1, away]);
    await load();
    expect([data.value, problem.value]).toEqual([2, null]);
    scope.stop();
  });

  it("shows the latest question's answer, whichever comes last", async () => {
    const answers: ((value: string) => void)[] = [];
    const scope = effectScope();
    const { data, load } = scope.run(() => useLoad(() => new Promise<string>((resolve) => answers.push(resolve))))!;
    const second = load();
    answers[1]?.("second");
    await second;
    answers[0]?.("first");
    await vi.advanceTimersByTimeAsync(0);
    expect(data.value).toBe("second");
    scope.stop();
  });

  it("looks again while something moves, and stops with the page", async () => {
    let count = 0;
    const scope = effectScope();
    scope.run(() => useLoad(async () => ++count, { everyMs: 1000, isMoving: (seen) => seen < 3 }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(count).toBe(3);
    scope.run(() => useLoad(async () => ++count, { everyMs: 1000 }));
    scope.stop();
    const before = count;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(count).toBe(before);
  });
});

describe("acting", () => {
  it("does one thing at a time and keeps the problem of the last", async () => {
    const { busy, problem, act } = useAct();
    let finish = (): void => undefined;
    const first = act(() => new Promise<void>((resolve) => (finish = resolve)));
    expect(busy.value).toBe(true);
    expect(await act(async () => undefined)).toBe(false);
    finish();
    expect(await first).toBe(true);
    expect(await act(() => Promise.reject(away))).toBe(false);
    expect([busy.value, problem.value]).toEqual([false, away]);
  });
});
