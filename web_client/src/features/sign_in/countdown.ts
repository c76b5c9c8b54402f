import { onScopeDispose, ref, type Ref } from "vue";

/** Seconds until something may be asked for again; counts down by the clock, so a sleeping page wakes up right. */
export function useCountdown(now: () => number = Date.now): { left: Ref<number>; start: (seconds: number) => void } {
  const left = ref(0);
  let until = 0;
  let timer: ReturnType<typeof setInterval> | null = null;

  function tick(): void {
    left.value = Math.max(0, Math.ceil((until - now()) / 1000));
    if (left.value === 0) stop();
  }
  function stop(): void {
    if (timer !== null) clearInterval(timer);
    timer = null;
  }
  function start(seconds: number): void {
    stop();
    until = now() + seconds * 1000;
    timer = setInterval(tick, 500);
    tick();
  }
  onScopeDispose(stop);
  return { left, start };
}
