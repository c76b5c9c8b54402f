import { computed, onScopeDispose, ref, type Ref, shallowRef, watch } from "vue";
import { browserClock } from "@/media/clock";
import type { Hearing } from "@/model/types";

/** The time of day and the time in session, ticking between two views of the server. */
export function useHearingClock(hearing: Ref<Hearing | null>) {
  const now = ref(new Date());
  const seenAtMs = shallowRef(browserClock.nowMs());
  const tickMs = ref(browserClock.nowMs());
  const cancel = browserClock.every(500, () => {
    now.value = new Date();
    tickMs.value = browserClock.nowMs();
  });
  watch(hearing, () => {
    // With the view's own moment, so that a closing just given never has more than its minute left.
    now.value = new Date();
    seenAtMs.value = tickMs.value = browserClock.nowMs();
  });
  onScopeDispose(cancel);

  const inSessionS = computed(() => {
    const view = hearing.value;
    if (!view) return 0;
    const sinceViewS = view.state === "in_session" ? Math.max(0, tickMs.value - seenAtMs.value) / 1000 : 0;
    return view.in_session_s + sinceViewS;
  });
  /** Seconds left to undo a closing, 0 when there is nothing to undo. */
  const undoLeftS = computed(() => {
    const until = hearing.value?.undo_close_until;
    return until ? Math.max(0, Math.ceil((Date.parse(until) - now.value.getTime()) / 1000)) : 0;
  });
  return { now, inSessionS, undoLeftS };
}
