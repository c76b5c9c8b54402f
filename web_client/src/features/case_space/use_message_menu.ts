import { computed, type Ref, ref, shallowRef } from "vue";
import { useAct } from "@/app/load";
import { readWithheld, type WithheldContent } from "@/api/space";
import type { LaneBrief, TombstoneGround } from "@/model/space";
import type { LaneEvent } from "@/model/types";
import { textNow } from "@/stores/lane_amendments";
import { useCaseLife } from "@/stores/case_life";
import { useSession } from "@/stores/session";
import type { Context } from "./composing";
import { type MessageWay, waysOf } from "./message_ways";
import type { CaseSpaceView } from "./use_case_space";

/** The server's own limits when the configuration does not say. */
const USUAL_CORRECTION_S = 600;
const USUAL_WITHDRAW_S = 120;

/** What a person does with one message from its menu. */
export function useMessageMenu(view: CaseSpaceView, lane: Ref<LaneBrief | null>, context: Ref<Context | null>, onReaders: (event: LaneEvent) => void) {
  const life = useCaseLife();
  const session = useSession();
  const event = shallowRef<LaneEvent | null>(null);
  const openedMs = ref(0);
  const isOpen = ref(false);
  const isWithdrawing = ref(false);
  const isWithholding = ref(false);
  const isWithheldOpen = ref(false);
  const withheld = shallowRef<WithheldContent | null>(null);
  const isCopied = ref(false);
  const { busy, problem, act } = useAct();

  const ways = computed<MessageWay[]>(() => {
    if (!event.value) return [];
    const isOwn = event.value.sender?.person_id === view.me.value;
    return waysOf(event.value, {
      isOwn,
      role: view.memberOf.value.get(view.me.value)?.role,
      hasReaders: isOwn && view.watchedReaders.value.length > 0,
      isClosed: lane.value?.closed === true,
      nowMs: openedMs.value,
      correctionS: session.config?.limits.correction_s ?? USUAL_CORRECTION_S,
      withdrawS: session.config?.limits.withdraw_s ?? USUAL_WITHDRAW_S,
    });
  });

  function open(one: LaneEvent): void {
    event.value = one;
    openedMs.value = Date.now();
    isOpen.value = true;
  }

  function choose(way: MessageWay): void {
    const one = event.value;
    if (!one) return;
    if (way === "quote") context.value = { kind: "reply", event: one };
    else if (way === "correct") context.value = { kind: "correction", event: one };
    else if (way === "copy") void copy(textNow(one));
    else if (way === "readers") onReaders(one);
    else if (way === "withdraw") isWithdrawing.value = true;
    else if (way === "withhold") isWithholding.value = true;
    else void look(one);
  }

  async function copy(words: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(words);
      isCopied.value = true;
      setTimeout(() => (isCopied.value = false), 2_000);
    } catch {
      // Some browsers inside apps give no clipboard: the words can be marked by hand.
    }
  }

  async function look(one: LaneEvent): Promise<void> {
    withheld.value = null;
    isWithheldOpen.value = true;
    await act(async () => (withheld.value = await readWithheld(one.lane, one.seq)));
  }

  function takeDown(ground: TombstoneGround, reason = ""): void {
    const one = event.value;
    isWithdrawing.value = false;
    isWithholding.value = false;
    if (one) life.send(one.lane, "tombstone", { target_seq: one.seq, ground, reason });
  }

  return { event, isOpen, ways, open, choose, isWithdrawing, isWithholding, isWithheldOpen, withheld, isCopied, busy, problem, takeDown };
}
