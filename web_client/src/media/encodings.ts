/** How a track is encoded before it leaves: simulcast layers, codecs, priorities. Pure. */
import type { Source } from "./words";

/** Short side from which three layers pay: below it the smallest layer would be under 135 lines, unreadable as a face. */
export const SIMULCAST_FROM_LINES = 540;

const SINGLE_CAMERA_BPS = 900_000; // 480p talking head, good quality in VP8
const LAYERS_BPS = { q: 150_000, h: 500_000, f: 1_700_000 }; // 180p, 360p, 720p
const MICROPHONE_BPS = 40_000; // wide-band speech with in-band FEC
const SCREEN_BPS = 2_500_000; // a page of text in full size, sharp within a second after turning it
const SCREEN_FRAMES_PER_S = 15; // sharpness before motion: a document stands still
const COURT_FRAMES_PER_S = 25; // the film's rate: more is thrown away

/** Encodings for `addTransceiver`; `lines` is the short side of the picture as captured (a phone held upright is 720 wide). */
export function sendEncodings(source: Source, lines: number): RTCRtpEncodingParameters[] {
  if (source === "microphone") return [{ maxBitrate: MICROPHONE_BPS, priority: "high", networkPriority: "high" }];
  if (source === "screen") return [{ maxBitrate: SCREEN_BPS, maxFramerate: SCREEN_FRAMES_PER_S, priority: "high" }];
  if (lines < SIMULCAST_FROM_LINES) return [{ maxBitrate: SINGLE_CAMERA_BPS, maxFramerate: COURT_FRAMES_PER_S }];
  // Smallest first: browsers give the first layers their share of a narrow line before the large one.
  return [
    { rid: "q", scaleResolutionDownBy: 4, maxBitrate: LAYERS_BPS.q, maxFramerate: COURT_FRAMES_PER_S },
    { rid: "h", scaleResolutionDownBy: 2, maxBitrate: LAYERS_BPS.h, maxFramerate: COURT_FRAMES_PER_S },
    { rid: "f", scaleResolutionDownBy: 1, maxBitrate: LAYERS_BPS.f, maxFramerate: COURT_FRAMES_PER_S },
  ];
}

/**
 * Which of a sender's layers run when the server wants only `rids` (null: all, empty: none). A sender without layers
 * runs unless nobody watches; names this sender does not have are passed over, and if only such are wanted all run.
 */
export function activeLayers(layers: readonly { rid?: string }[], rids: readonly string[] | null): boolean[] {
  if (rids === null) return layers.map(() => true);
  if (rids.length === 0) return layers.map(() => false);
  const isKnown = layers.some(({ rid }) => rid !== undefined && rids.includes(rid));
  return layers.map(({ rid }) => !isKnown || (rid !== undefined && rids.includes(rid)));
}

/** Short side of what a video track delivers, 0 when the browser does not say. */
export function linesOf(track: Pick<MediaStreamTrack, "getSettings">): number {
  const { width = 0, height = 0 } = track.getSettings();
  return Math.min(width, height);
}

const WANTED: Record<"audio" | "video", readonly string[]> = {
  audio: ["audio/opus", "audio/red"],
  video: ["video/vp8", "video/h264", "video/rtx"],
};

/**
 * The codecs the court's server forwards, best first: VP8, then constrained-baseline H.264 for phones without VP8.
 * H.264 profiles the recorder cannot lay side by side (main, high) are left out.
 */
export function orderedCodecs<C extends { mimeType: string; sdpFmtpLine?: string }>(kind: "audio" | "video", offered: readonly C[]): C[] {
  const wanted = WANTED[kind];
  const rank = (codec: C): number => wanted.indexOf(codec.mimeType.toLowerCase());
  return offered
    .filter((codec) => rank(codec) >= 0)
    .filter((codec) => !/profile-level-id=(?!42)/i.test(codec.sdpFmtpLine ?? ""))
    .sort((a, b) => rank(a) - rank(b));
}

/** Asks for Opus in-band FEC on every Opus line of a session description that forgot to. */
export function withOpusFec(sdp: string): string {
  const payloads = [...sdp.matchAll(/^a=rtpmap:(\d+) opus\//gim)].map((match) => match[1] ?? "");
  return payloads.reduce<string>((text, payload) => {
    const line = new RegExp(`^a=fmtp:${payload} (.*)$`, "im");
    const found = line.exec(text);
    if (!found) return text.replace(new RegExp(`^(a=rtpmap:${payload} opus/.*)$`, "im"), `$1\r\na=fmtp:${payload} useinbandfec=1`);
    if (/useinbandfec=/.test(found[1] ?? "")) return text;
    return text.replace(line, (whole) => `${whole.trimEnd()};useinbandfec=1`);
  }, sdp);
}
