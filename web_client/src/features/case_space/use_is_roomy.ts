import { onScopeDispose, type Ref, ref } from "vue";

/** Whether there is room for members and reminders beside the talk: from a small desk screen on. */
export function useIsRoomy(): Readonly<Ref<boolean>> {
  const query = matchMedia("(min-width: 1040px)");
  const is = ref(query.matches);
  const changed = (): void => {
    is.value = query.matches;
  };
  query.addEventListener("change", changed);
  onScopeDispose(() => query.removeEventListener("change", changed));
  return is;
}
