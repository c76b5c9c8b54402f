import { onMounted, onScopeDispose, type Ref, watch } from "vue";
import { READ_AFTER_MS, ReadClock } from "./read_clock";

const LOOK_EVERY_MS = 250;

/** Watches the rows with `data-seq` inside `scroller` and says how far they were really read. */
export function useReadMarks(scroller: Readonly<Ref<HTMLElement | null>>, lane: () => string, onRead: (seq: number) => void): void {
  let clock = new ReadClock();
  watch(lane, () => (clock = new ReadClock()));

  function seqsInSight(): number[] {
    const box = scroller.value?.getBoundingClientRect();
    if (!box || box.height === 0) return [];
    const seqs: number[] = [];
    for (const row of scroller.value?.querySelectorAll<HTMLElement>("[data-seq]") ?? []) {
      const { top, bottom } = row.getBoundingClientRect();
      // A long message counts once its end is in sight, or while it fills the view.
      const isIn = bottom <= box.bottom + 1 && bottom > box.top;
      if (isIn || (top <= box.top && bottom >= box.bottom)) seqs.push(Number(row.dataset["seq"]));
    }
    return seqs;
  }

  function look(): void {
    const isCovered = document.querySelector("dialog[open]") !== null;
    const isAttended = document.visibilityState === "visible" && document.hasFocus() && !isCovered;
    const read = clock.look(isAttended ? seqsInSight() : [], isAttended, performance.now());
    if (read !== null) onRead(read);
  }

  onMounted(() => {
    const timer = setInterval(look, Math.min(LOOK_EVERY_MS, READ_AFTER_MS));
    onScopeDispose(() => clearInterval(timer));
  });
}
