import { onMounted, onScopeDispose, type Ref, ref } from "vue";

/** Room for members and reminders beside the talk: the talk keeps the width of a small desk. */
const ROOMY_FROM_PX = 1_000;

/** Whether the box itself is wide, whatever the screen: as a drawer it is narrow on any desk. */
export function useIsRoomy(box: Readonly<Ref<HTMLElement | null>>): Readonly<Ref<boolean>> {
  const is = ref(false);
  const measure = (): void => {
    is.value = (box.value?.clientWidth ?? 0) >= ROOMY_FROM_PX;
  };
  onMounted(() => {
    measure();
    const watcher = new ResizeObserver(measure);
    if (box.value) watcher.observe(box.value);
    onScopeDispose(() => watcher.disconnect());
  });
  return is;
}
