import type Hls from "hls.js/light";

/** How a browser can play a film in pieces. `reader`: our own, over media sources; `native`: the browser itself. */
export type HlsWay = "reader" | "native" | "none";

/**
 * Full media sources first: they play alike everywhere, and browsers on Android that claim to play pieces themselves
 * often fail at it. Without them (every iPhone) natively; last the reader on a phone's managed media sources.
 */
export function hlsWay(can: { mediaSource: boolean; native: boolean; managed: boolean }): HlsWay {
  if (can.mediaSource) return "reader";
  if (can.native) return "native";
  return can.managed ? "reader" : "none";
}

export function hlsWayHere(video: Pick<HTMLVideoElement, "canPlayType">): HlsWay {
  return hlsWay({
    mediaSource: "MediaSource" in globalThis,
    native: video.canPlayType("application/vnd.apple.mpegurl") !== "",
    managed: "ManagedMediaSource" in globalThis,
  });
}

/** Broken pieces are asked for again this often before the page says so. */
const MOST_RECOVERIES = 3;

/** Play `source` in `video`; the answer lets go of it again. `failed` when the browser can't or the pieces don't come. */
export async function attachHls(video: HTMLVideoElement, source: string, failed: () => void): Promise<() => void> {
  const way = hlsWayHere(video);
  if (way === "none") failed();
  if (way !== "reader") {
    video.src = source;
    return () => video.removeAttribute("src");
  }
  const { default: Reader } = await import("hls.js/light");
  // No worker: it would need a script address that the page's content policy does not allow.
  const reader: Hls = new Reader({ enableWorker: false, maxBufferLength: 18, maxMaxBufferLength: 36, backBufferLength: 30 });
  let recoveries = 0;
  reader.on(Reader.Events.ERROR, (_, problem) => {
    if (!problem.fatal) return;
    recoveries += 1;
    if (recoveries > MOST_RECOVERIES) failed();
    else if (problem.type === Reader.ErrorTypes.MEDIA_ERROR) reader.recoverMediaError();
    else reader.startLoad();
  });
  reader.loadSource(source);
  reader.attachMedia(video);
  return () => reader.destroy();
}
