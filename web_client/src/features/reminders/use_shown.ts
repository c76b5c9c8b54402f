import { onScopeDispose } from "vue";

const LOOK_EVERY_MS = 300;
/** Long enough that a person could have begun to read. */
const SHOWN_FOR_MS = 1_000;
const AGAIN_AFTER_MS = 5_000;

/** Reports once that `current()` was on a visible page for a second; again later when the report got lost. */
export function useShown(current: () => string | null, report: (id: string) => Promise<boolean>): void {
  const reported = new Set<string>();
  let watched: string | null = null;
  let sinceMs = 0;
  let isReporting = false;

  async function look(): Promise<void> {
    const now = document.visibilityState === "visible" ? current() : null;
    if (now !== watched) {
      watched = now;
      sinceMs = performance.now();
    }
    if (now === null || isReporting || reported.has(now) || performance.now() - sinceMs < SHOWN_FOR_MS) return;
    isReporting = true;
    if (await report(now)) reported.add(now);
    else sinceMs = performance.now() + AGAIN_AFTER_MS;
    isReporting = false;
  }

  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  onScopeDispose(() => clearInterval(timer));
}
