import { ref, shallowRef } from "vue";
import * as hearings from "@/api/hearings";
import { asProblem, type Problem } from "@/api/problem";
import type { Hearing, PauseKind } from "@/model/types";
import type { HearingLink } from "@/stores/hearing_link";

export type OrderName = "admit" | "open" | "recess" | "resume" | "seal" | "unseal" | "close" | "reopen" | "mute" | "remove" | "readmit";

/** The bench's orders: one at a time, each with its own "being done" and its refusal in words. */
export function useOrders(hearingId: string, link: HearingLink) {
  const busy = ref<OrderName | null>(null);
  const problem = shallowRef<Problem | null>(null);
  /** The last removal, offered to be undone. */
  const removed = ref<{ personId: string; name: string } | null>(null);

  async function give(name: OrderName, order: () => Promise<Hearing>): Promise<boolean> {
    if (busy.value !== null) return false;
    busy.value = name;
    problem.value = null;
    try {
      link.apply(await order());
      return true;
    } catch (error) {
      problem.value = asProblem(error);
      // What the bench sees must be true again, whatever the order did or did not do.
      void link.refresh();
      return false;
    } finally {
      busy.value = null;
    }
  }

  return {
    busy,
    problem,
    removed,
    clearProblem: () => (problem.value = null),
    admit: (personId: string) => give("admit", () => hearings.admit(hearingId, { person_ids: [personId] })),
    admitAll: () => give("admit", () => hearings.admit(hearingId, { all: true })),
    open: (oneRecorderReason?: string) => give("open", () => hearings.openHearing(hearingId, oneRecorderReason)),
    recess: (kind: PauseKind, reason: string, resumesAt?: string) => give("recess", () => hearings.recessHearing(hearingId, kind, reason, resumesAt)),
    seal: (reason: string) => give("seal", () => hearings.sealHearing(hearingId, reason)),
    unseal: () => give("unseal", () => hearings.unsealHearing(hearingId)),
    resume: () => give("resume", () => hearings.resumeHearing(hearingId)),
    close: () => give("close", () => hearings.closeHearing(hearingId)),
    reopen: () => give("reopen", () => hearings.reopenHearing(hearingId)),
    mute: (personId: string, muted: boolean) =>
      give("mute", () => hearings.mute(hearingId, { person_id: personId, source: "microphone", muted })),
    /** A share that the court stopped stays closed until it is allowed again. */
    stopShare: (personId: string, isStopped: boolean) =>
      give("mute", () => hearings.mute(hearingId, { person_id: personId, source: "screen", muted: isStopped })),
    muteAll: () => give("mute", () => hearings.mute(hearingId, { all: true, source: "microphone", muted: true })),
    async remove(personId: string, name: string, reason: string): Promise<boolean> {
      const isDone = await give("remove", () => hearings.removePerson(hearingId, personId, reason));
      if (isDone) removed.value = { personId, name };
      return isDone;
    },
    async readmit(personId: string): Promise<boolean> {
      const isDone = await give("readmit", () => hearings.undoRemoval(hearingId, personId));
      if (isDone && removed.value?.personId === personId) removed.value = null;
      return isDone;
    },
  };
}
export type Orders = ReturnType<typeof useOrders>;
