import { computed, type Ref, watch } from "vue";
import type { RoomClient } from "@/media/room_client";
import { type DisplayDevices, ScreenShare } from "@/media/screen_share";
import type { HearingPerson } from "@/model/types";
import { asRef } from "@/stores/capture";

/** Showing one's own screen to the room, beside the camera; the court's order ends it here as well as on the server. */
export function useScreenShare(client: RoomClient, me: Ref<HearingPerson | null>, ends: (() => void)[]) {
  const share = new ScreenShare(navigator.mediaDevices as DisplayDevices | undefined);
  const state = asRef(share.state, ends);
  /** A camera that the court turned off must not come back as a screen. */
  const isForbidden = computed(() => me.value?.screen === "muted_by_court" || me.value?.camera === "muted_by_court");

  ends.push(
    watch(isForbidden, (isNow) => isNow && share.stop()),
    watch(state, (now, before) => {
      if (now.track && now.track !== before.track) client.publish("screen", now.track).catch(() => undefined);
      // A withdrawal that does not get through is said with the next seat; nothing is sent meanwhile.
      if (!now.track && before.track) client.withdraw("screen").catch(() => undefined);
    }),
    () => share.stop(),
  );

  return {
    isPossible: share.isPossible,
    isForbidden,
    isSharing: computed(() => state.value.track !== null),
    isAsking: computed(() => state.value.isAsking),
    problem: computed(() => state.value.problem),
    start: () => share.start(),
    stop: () => share.stop(),
  };
}
