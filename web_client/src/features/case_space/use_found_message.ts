import { nextTick, watch, type Ref } from "vue";
import { useRoute } from "vue-router";
import type { useCaseSpace } from "./use_case_space";

/** A message named in the address (?lane=…&seq=…), as search leads to it: its lane is chosen, and it is brought into sight once. */
export function useFoundMessage(view: ReturnType<typeof useCaseSpace>, list: Readonly<Ref<{ jump: (seq: number) => Promise<void> } | null>>): void {
  const route = useRoute();
  const lane = String(route.query["lane"] ?? "");
  const seq = Number(route.query["seq"]);
  if (!lane || !Number.isSafeInteger(seq) || seq < 1) return;
  const stop = watch(
    [view.space, list, view.log],
    async ([space, shown, log]) => {
      if (!space?.lanes.some((one) => one.lane === lane)) return;
      view.chosen.value = lane;
      if (!shown || !log || view.lane.value?.lane !== lane) return;
      stop();
      await nextTick();
      await list.value?.jump(seq);
    },
    { flush: "post" },
  );
}
