import { onScopeDispose, shallowRef, watch } from "vue";
import { browserClock } from "@/media/clock";
import { FINE, LineJudge, type LineWord } from "@/media/line_judge";
import { linkFigures } from "@/media/link_figures";
import type { HearingPerson } from "@/model/types";
import type { Room } from "./use_room";

/** Often enough for a warning within seconds, seldom enough to cost a phone nothing. */
const READ_EVERY_MS = 2_000;

/** One's own line as a word, read while one is in the room. */
export function useLine(room: Room, me: () => HearingPerson) {
  const word = shallowRef<LineWord>(FINE);
  let judge = new LineJudge();
  let before: Awaited<ReturnType<Room["stats"]>> = { up: null, down: null };

  async function read(): Promise<void> {
    // A hidden page is throttled and a link under repair has a banner of its own: neither says anything of the line.
    if (document.visibilityState === "hidden" || room.isReturning.value || room.state.value !== "in") return;
    const now = await room.stats();
    const figures = (way: "up" | "down") => linkFigures(now[way]?.entries() ?? null, before[way]?.entries() ?? null);
    const { connection } = me();
    word.value = judge.take({ up: figures("up"), down: figures("down"), isWeakForServer: connection === "weak" }, browserClock.nowMs());
    before = now;
  }
  onScopeDispose(browserClock.every(READ_EVERY_MS, () => void read().catch(() => undefined)));
  // New links count from nothing.
  watch(room.state, (state) => {
    if (state === "in") return;
    judge = new LineJudge();
    word.value = FINE;
    before = { up: null, down: null };
  });
  return word;
}
