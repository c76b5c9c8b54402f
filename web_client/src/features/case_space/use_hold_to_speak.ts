import { onScopeDispose, ref } from "vue";

/** A shorter touch is a tap: recording goes on until "done". */
const HOLD_MS = 400;
/** A finger this far up wants nothing of it. */
const SLIDE_PX = 80;

/** Press and hold to speak, let go to finish, slide up to cancel; a tap begins as well and is ended by a button. */
export function useHoldToSpeak(ways: { begin: () => void; finish: () => void; cancel: () => void }) {
  const isHeld = ref(false);
  const isSliding = ref(false);
  let from = { y: 0, ms: 0 };

  function moved(event: PointerEvent): void {
    isSliding.value = from.y - event.clientY > SLIDE_PX;
  }
  function ended(event: PointerEvent): void {
    const wasSliding = isSliding.value;
    const isTap = event.timeStamp - from.ms < HOLD_MS;
    letGo();
    // The browser took the finger away, to ask for the microphone or to scroll: as a tap.
    if (event.type === "pointercancel" || isTap) return;
    if (wasSliding) ways.cancel();
    else ways.finish();
  }
  function letGo(): void {
    removeEventListener("pointermove", moved);
    removeEventListener("pointerup", ended);
    removeEventListener("pointercancel", ended);
    isHeld.value = isSliding.value = false;
  }
  function pressed(event: PointerEvent): void {
    // A mouse clicks; keys and readers do, too.
    if (event.pointerType === "mouse" || !event.isPrimary) return;
    from = { y: event.clientY, ms: event.timeStamp };
    isHeld.value = true;
    addEventListener("pointermove", moved);
    addEventListener("pointerup", ended);
    addEventListener("pointercancel", ended);
    ways.begin();
  }
  onScopeDispose(letGo);
  return { isHeld, isSliding, pressed };
}
