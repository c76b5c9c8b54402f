import { onScopeDispose } from "vue";

/** As long as phones wait before they open a menu. */
const LONG_MS = 500;
/** A finger that moves further scrolls. */
const STILL_PX = 10;

/** Listeners that call `onLong` for a long press of a finger, and for the menu click of a mouse. */
export function useLongPress(onLong: () => void) {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let start = { x: 0, y: 0 };
  let isFinger = false;
  let isSwallowing = false;

  function cancel(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  }
  onScopeDispose(cancel);

  return {
    pointerdown(event: PointerEvent): void {
      isFinger = event.pointerType !== "mouse";
      if (!isFinger || !event.isPrimary) return;
      start = { x: event.clientX, y: event.clientY };
      cancel();
      timer = setTimeout(() => {
        timer = null;
        isSwallowing = true;
        onLong();
      }, LONG_MS);
    },
    pointermove(event: PointerEvent): void {
      if (Math.hypot(event.clientX - start.x, event.clientY - start.y) > STILL_PX) cancel();
    },
    pointerup: cancel,
    pointercancel: cancel,
    pointerleave: cancel,
    click(event: MouseEvent): void {
      // The finger is lifted after the menu opened: that is no tap on what lies below.
      if (!isSwallowing) return;
      isSwallowing = false;
      event.preventDefault();
      event.stopPropagation();
    },
    contextmenu(event: MouseEvent): void {
      if (isFinger) {
        event.preventDefault();
        return;
      }
      // A mouse that marked words wants the browser's own menu.
      if ((globalThis.getSelection?.()?.toString() ?? "") !== "") return;
      event.preventDefault();
      onLong();
    },
  };
}
