import { computed, ref, shallowRef } from "vue";
import { readHearing } from "@/api/hearings";
import { movedDoor } from "@/api/moved_seat";
import { asProblem, Problem } from "@/api/problem";
import { Observable } from "@/media/observable";
import { Refusal, type SignalChannel } from "@/media/words";
import type { Hearing, HearingPerson, HearingRight, PageState } from "@/model/types";
import { type LinkState, SocketLink, type SocketLinkOptions } from "@/wire/socket";

export type Stage = "checking" | "testing" | "waiting" | "present";

/** A presence report doubles as the heartbeat: a socket that looks open after a sleep is found out within this. */
const REPORT_EVERY_MS = 10_000;
const REPORT_DEADLINE_MS = 4_000;
/** After a sleep the socket must answer sooner: people wait before a screen that stands still. */
const PROOF_DEADLINE_MS = 1_500;

/** What is used of the socket; tests give their own. */
export type Wire = Pick<SocketLink, "open" | "close" | "on" | "command">;

/** The server said no and will say no again, whatever we retry; everything else is worth another try. */
export function asRefusal(thrown: unknown): Refusal {
  const problem = asProblem(thrown);
  const isNo = problem.status >= 400 && problem.status < 500 && problem.status !== 408 && problem.status !== 429;
  const isSeatGone = /^(seat\.(removed|taken)|hearing\.|publish\.|not_found|forbidden)/u.test(problem.code);
  return new Refusal(problem.code, problem.title, !(isNo || isSeatGone));
}

/** One hearing, live: the newest view of it, the socket under it, and this person's reports about themselves. */
export function createHearingLink(hearingId: string, makeLink = (options: SocketLinkOptions): Wire => new SocketLink(options)) {
  const hearing = shallowRef<Hearing | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const socketState = ref<LinkState>("idle");
  const endReason = ref<string | null>(null);
  const isUp = new Observable(false);
  let page: PageState = "visible";
  let stage: Stage = "checking";

  const me = computed<HearingPerson | null>(() => {
    const view = hearing.value;
    return view?.people.find((person) => person.person_id === view.me.person_id) ?? null;
  });
  const may = (right: HearingRight): boolean => hearing.value?.me.may.includes(right) ?? false;

  const link = makeLink({
    namespace: "/hearing",
    auth: { hearing_id: hearingId },
    onConnected: () => void report(),
    onState: (state) => {
      socketState.value = state;
      isUp.set(state === "connected");
    },
    onRefused: (refused) => (problem.value = refused),
  });
  link.on<{ hearing: Hearing }>("hearing_updated", (body) => apply(body.hearing));
  link.on<{ reason: string }>("session_ended", (body) => {
    endReason.value = body.reason;
    link.close();
  });
  const timer = setInterval(() => void report(), REPORT_EVERY_MS);

  /** Views may overtake each other (socket, answers): the highest version stays. */
  function apply(next: Hearing): void {
    if (hearing.value === null || next.version >= hearing.value.version) hearing.value = next;
    problem.value = null;
  }

  async function refresh(): Promise<void> {
    try {
      apply(await readHearing(hearingId));
    } catch (error) {
      if (hearing.value === null) problem.value = asProblem(error);
    }
  }

  async function report(deadlineMs = REPORT_DEADLINE_MS): Promise<void> {
    if (!isUp.value) return;
    try {
      await link.command("presence_report", { page, stage }, deadlineMs);
    } catch (error) {
      if (asProblem(error).code === "network.timeout") reconnect();
    }
  }

  /** Drops a socket that no longer answers and opens another at once. */
  function reconnect(): void {
    if (endReason.value !== null) return;
    link.close();
    link.open();
  }

  const channel: SignalChannel = {
    isUp,
    async request<T>(command: string, body: object): Promise<T> {
      try {
        return await link.command<T>(command, body as Record<string, unknown>);
      } catch (error) {
        throw asRefusal(error);
      }
    },
    on: (event, handler) => link.on(event, handler as (body: unknown) => void),
  };

  return {
    hearing,
    me,
    problem,
    socketState,
    endReason,
    channel,
    door: movedDoor(hearingId),
    may,
    apply,
    refresh,
    reconnect,
    /** Proves the socket alive after a sleep; a dead one is replaced. */
    prove: () => report(PROOF_DEADLINE_MS),
    open(): void {
      link.open();
      void refresh();
    },
    say(next: { page?: PageState; stage?: Stage }): void {
      const isNews = (next.page ?? page) !== page || (next.stage ?? stage) !== stage;
      page = next.page ?? page;
      stage = next.stage ?? stage;
      if (isNews) void report();
    },
    close(): void {
      clearInterval(timer);
      link.close();
      isUp.set(false);
    },
  };
}
export type HearingLink = ReturnType<typeof createHearingLink>;
