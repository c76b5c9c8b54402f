import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { acknowledge as sendAcknowledgment, myObligations, objectTo, putOff, sayDisplayed, sayOpened } from "@/api/reminders";
import { asProblem, type Problem } from "@/api/problem";
import type { Obligation } from "@/model/reminder";
import { useCaseLife } from "./case_life";

const isOpen = (one: Obligation): boolean => one.state === "active" || one.state === "displayed";

/** Forced reminders addressed to the person and not yet acknowledged, the oldest first. */
export const useObligations = defineStore("obligations", () => {
  const life = useCaseLife();
  const open = shallowRef<readonly Obligation[]>([]);
  /** Acknowledged on this page: their words can still be read again. */
  const settled = shallowRef<readonly Obligation[]>([]);
  const problem = shallowRef<Problem | null>(null);
  const busy = ref(false);
  /** Moves when a sheet that was put off is due again. */
  const now = ref(Date.now());
  const isResting = (one: Obligation): boolean => one.later_until !== null && Date.parse(one.later_until) > now.value;
  const first = computed(() => open.value.find((one) => !isResting(one)) ?? null);
  let stops: (() => void)[] = [];
  let isStarted = false;

  const sorted = (all: readonly Obligation[]): Obligation[] =>
    [...all].sort((a, b) => a.issued_at.localeCompare(b.issued_at) || a.id.localeCompare(b.id));

  function put(one: Obligation): void {
    const others = open.value.filter(({ id }) => id !== one.id);
    if (!isOpen(one) || settled.value.some(({ id }) => id === one.id)) open.value = others;
    else open.value = sorted([...others, one]);
  }

  function drop(id: string): void {
    open.value = open.value.filter((one) => one.id !== id);
  }

  /** Read them whole: at the start, at each connection, and when the page comes back. */
  async function refresh(): Promise<void> {
    try {
      const all = await myObligations();
      if (isStarted) open.value = sorted(all.filter((one) => isOpen(one) && !settled.value.some(({ id }) => id === one.id)));
    } catch {
      // Offline or signed out; the next connection reads again.
    }
  }

  const seen = (): void => {
    if (document.visibilityState === "visible") void refresh();
  };

  function start(): void {
    if (isStarted) return;
    isStarted = true;
    stops = [
      life.onUp(() => void refresh()),
      life.onEvent("obligation_raised", ({ obligation }) => put(obligation)),
      life.onEvent("obligation_settled", ({ obligation_id: id }) => drop(id)),
    ];
    document.addEventListener("visibilitychange", seen);
    const clock = setInterval(() => (now.value = Date.now()), 10_000);
    stops.push(() => clearInterval(clock));
    void refresh();
  }

  function stop(): void {
    isStarted = false;
    for (const end of stops) end();
    document.removeEventListener("visibilitychange", seen);
    open.value = settled.value = [];
    problem.value = null;
  }

  /** The sheet was really on the screen. A lost report does no harm: acknowledging says it too. */
  async function displayed(id: string): Promise<boolean> {
    try {
      put(await sayDisplayed(id));
      return true;
    } catch {
      return false;
    }
  }

  /** Read to its end, or a document of it opened: evidence, never in the reader's way. */
  async function opened(id: string, documentId?: string): Promise<boolean> {
    try {
      put(await sayOpened(id, documentId));
      return true;
    } catch {
      return false;
    }
  }

  const acknowledge = (one: Obligation): Promise<boolean> =>
    answer(async () => {
      const done = await sendAcknowledgment(one.id, one.text_sha256);
      settled.value = [...settled.value, done];
      drop(one.id);
    });
  const object = (one: Obligation, text: string): Promise<boolean> =>
    answer(async () => {
      await objectTo(one.id, text);
      drop(one.id);
    });
  const later = (one: Obligation): Promise<boolean> => answer(async () => put(await putOff(one.id)));

  async function answer(work: () => Promise<void>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    problem.value = null;
    try {
      await work();
      now.value = Date.now();
      return true;
    } catch (error) {
      problem.value = asProblem(error);
      // Settled elsewhere, or its words are not those on the screen: show what stands now.
      if (problem.value.status >= 400 && problem.value.status < 500) await refresh();
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { open, settled, first, problem, busy, start, stop, refresh, displayed, opened, acknowledge, object, later };
});
