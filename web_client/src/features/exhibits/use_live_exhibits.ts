import { onScopeDispose, watch } from "vue";
import { type Load, useLoad } from "@/app/load";
import { useCaseLife } from "@/stores/case_life";

/** A bell that got lost, or a page without a socket, is made up for within this time. */
const LOOK_EVERY_MS = 30_000;
/** Several bells of one exchange are one reading. */
const SETTLE_MS = 250;

/** Read exhibits for a page: at once, when the court says that one of the case changed, and now and then. */
export function useLiveExhibits<T>(caseId: () => string | null, read: () => Promise<T>): Load<T> {
  const life = useCaseLife();
  const loading = useLoad(read, { everyMs: LOOK_EVERY_MS });
  let waiting: ReturnType<typeof setTimeout> | null = null;
  const soon = (): void => {
    waiting ??= setTimeout(() => {
      waiting = null;
      void loading.load();
    }, SETTLE_MS);
  };
  const stops = [life.onEvent("exhibit_updated", (body) => body.case_id === caseId() && soon()), life.onUp(soon)];
  watch(() => life.changes[caseId() ?? ""], soon);
  onScopeDispose(() => {
    for (const stop of stops) stop();
    if (waiting !== null) clearTimeout(waiting);
  });
  return loading;
}
