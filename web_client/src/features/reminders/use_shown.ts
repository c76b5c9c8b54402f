import { onScopeDispose } from "vue";

const LOOK_EVERY_MS = 300;
/** Long enough that a person could have begun to read. */
const SHOWN_FOR_MS = 1_000;
const AGAIN_AFTER_MS = 5_000;

/**
 * Reports once that `current()` was really in sight for a second: the page visible, and `element` on the screen and not
 * only in the document. Again later when the report got lost.
 */
export function useShown(current: () => string | null, report: (id: string) => Promise<boolean>, element: () => Element | null): void {
  const reported = new Set<string>();
  let watched: string | null = null;
  let sinceMs = 0;
  let isReporting = false;
  let isInSight = false;
  let observed: Element | null = null;
  const sight = new IntersectionObserver((seen) => {
    isInSight = (seen.at(-1)?.intersectionRatio ?? 0) > 0;
  }, { threshold: [0, 0.25] });

  function follow(): void {
    const one = element();
    if (one === observed) return;
    sight.disconnect();
    isInSight = false;
    observed = one;
    if (one) sight.observe(one);
  }

  async function look(): Promise<void> {
    follow();
    const now = document.visibilityState === "visible" && isInSight ? current() : null;
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
  onScopeDispose(() => {
    clearInterval(timer);
    sight.disconnect();
  });
}
