import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { asProblem, type Problem } from "@/api/problem";

export interface Load<T> {
  data: ShallowRef<T | null>;
  /** The last failure; `data` keeps what was last read. */
  problem: Ref<Problem | null>;
  isLoading: Ref<boolean>;
  load: () => Promise<void>;
}

/** Read something for a page: at once, again on demand, and every `everyMs` while the page is in sight and it `isMoving`. */
export function useLoad<T>(read: () => Promise<T>, options: { everyMs?: number; atOnce?: boolean; isMoving?: (data: T) => boolean } = {}): Load<T> {
  const data = shallowRef<T | null>(null) as ShallowRef<T | null>;
  const problem = shallowRef<Problem | null>(null);
  const isLoading = ref(false);
  let latest = 0;

  async function load(): Promise<void> {
    const mine = ++latest;
    isLoading.value = true;
    try {
      const answer = await read();
      if (mine !== latest) return;
      data.value = answer;
      problem.value = null;
    } catch (error) {
      if (mine === latest) problem.value = asProblem(error);
    } finally {
      if (mine === latest) isLoading.value = false;
    }
  }

  if (options.everyMs !== undefined) {
    const timer = setInterval(() => {
      const isStill = data.value !== null && problem.value === null && options.isMoving?.(data.value) === false;
      if (document.visibilityState !== "hidden" && !isLoading.value && !isStill) void load();
    }, options.everyMs);
    onScopeDispose(() => clearInterval(timer));
  }
  onScopeDispose(() => {
    latest += 1;
  });
  if (options.atOnce !== false) void load();
  return { data, problem, isLoading, load };
}

/** Do something once at a time: `busy` while it runs, `problem` when it failed; true when it succeeded. */
export function useAct(): { busy: Ref<boolean>; problem: Ref<Problem | null>; act: (work: () => Promise<unknown>) => Promise<boolean> } {
  const busy = ref(false);
  const problem = shallowRef<Problem | null>(null);
  async function act(work: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    problem.value = null;
    try {
      await work();
      return true;
    } catch (error) {
      problem.value = asProblem(error);
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { busy, problem, act };
}
