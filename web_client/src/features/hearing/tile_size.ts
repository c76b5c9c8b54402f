import type { Directive } from "vue";

type SizedElement = HTMLElement & { sizeWatch?: ResizeObserver };

/** `v-box-size="(widthPx, heightPx) => …"`: the size of a box whenever it changes. */
export const vBoxSize: Directive<SizedElement, (widthPx: number, heightPx: number) => void> = {
  mounted(element, { value }) {
    element.sizeWatch = new ResizeObserver(() => value(element.clientWidth, element.clientHeight));
    element.sizeWatch.observe(element);
  },
  beforeUnmount(element) {
    element.sizeWatch?.disconnect();
  },
};

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
