import { onScopeDispose, shallowRef } from "vue";
import { browserClock } from "@/media/clock";
import { linkFigures, NO_FIGURES, type LinkFigures } from "@/media/link_figures";
import type { Room } from "./use_room";

/** The browser's own figures of both links, read while somebody looks at them. */
export function useLinkFigures(room: Room) {
  const up = shallowRef<LinkFigures>(NO_FIGURES);
  const down = shallowRef<LinkFigures>(NO_FIGURES);
  let before: { up: RTCStatsReport | null; down: RTCStatsReport | null } = { up: null, down: null };

  async function read(): Promise<void> {
    const now = await room.stats();
    up.value = linkFigures(now.up?.entries() ?? null, before.up?.entries() ?? null);
    down.value = linkFigures(now.down?.entries() ?? null, before.down?.entries() ?? null);
    before = now;
  }
  void read();
  onScopeDispose(browserClock.every(1_500, () => void read()));
  return { up, down };
}
