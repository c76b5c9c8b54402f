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
    const entries = (report: RTCStatsReport | null): [string, unknown][] | null => (report ? [...report.entries()] : null);
    up.value = linkFigures(entries(now.up), entries(before.up));
    down.value = linkFigures(entries(now.down), entries(before.down));
    before = now;
  }
  void read();
  onScopeDispose(browserClock.every(1_500, () => void read()));
  return { up, down };
}
