import { onScopeDispose, type Ref, ref } from "vue";

/** Room for a desk beside the stage; below it the phone's layout. */
const WIDE = "(min-width: 1024px)";

export function useIsWide(): Ref<boolean> {
  const query = window.matchMedia(WIDE);
  const isWide = ref(query.matches);
  const follow = (): void => void (isWide.value = query.matches);
  query.addEventListener("change", follow);
  onScopeDispose(() => query.removeEventListener("change", follow));
  return isWide;
}
