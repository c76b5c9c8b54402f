import type { Directive } from "vue";

type SizedElement = HTMLElement & { sizeWatch?: ResizeObserver };

/** `v-tile-size="(heightPx) => …"`: tells the height of a tile whenever it changes, and 0 when it leaves the screen. */
export const vTileSize: Directive<SizedElement, (heightPx: number) => void> = {
  mounted(element, { value }) {
    element.sizeWatch = new ResizeObserver(() => value(element.clientHeight));
    element.sizeWatch.observe(element);
  },
  beforeUnmount(element, { value }) {
    element.sizeWatch?.disconnect();
    value(0);
  },
};
