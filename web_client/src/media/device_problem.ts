/** Why a camera or microphone could not be had, as a stable word the page has a sentence for. */
export type DeviceProblem =
  | "permission_denied" // the person or an earlier choice said no to this page
  | "system_denied" // the phone or computer says no to the whole browser
  | "not_found"
  | "in_use" // another app holds it: a call, another tab, a meeting program
  | "interrupted" // opened, then cut before the first picture
  | "insecure_page" // browsers hand out no device without HTTPS
  | "unsupported_browser"
  | "unknown";

/** Reads the cause out of what getUserMedia throws; browsers agree on names, not on messages. */
export function deviceProblem(error: unknown): DeviceProblem {
  if (!(error instanceof Error || (typeof DOMException !== "undefined" && error instanceof DOMException))) return "unknown";
  switch (error.name) {
    case "NotAllowedError":
    case "PermissionDeniedError":
      return /system/i.test(error.message) ? "system_denied" : "permission_denied";
    case "SecurityError":
      return "insecure_page";
    case "NotFoundError":
    case "DevicesNotFoundError":
    case "OverconstrainedError": // the remembered device is gone, or none of its kind exists
      return "not_found";
    case "NotReadableError":
    case "TrackStartError":
      return "in_use";
    case "AbortError":
    case "InvalidStateError":
      return "interrupted";
    case "TypeError":
      return "unsupported_browser";
    default:
      return "unknown";
  }
}

export type BrowserKind =
  | "wechat_android"
  | "wechat_ios"
  | "wechat_desktop"
  | "safari_ios"
  | "chrome_ios"
  | "xiaomi"
  | "huawei"
  | "chrome_android"
  | "firefox"
  | "edge"
  | "safari_mac"
  | "chrome"
  | "other";

const BROWSERS: readonly (readonly [BrowserKind, RegExp])[] = [
  ["wechat_desktop", /(WindowsWechat|MacWechat)/i],
  ["wechat_ios", /(iPhone|iPad|iPod).*MicroMessenger/i],
  ["wechat_android", /MicroMessenger/i],
  ["xiaomi", /(MiuiBrowser|XiaoMi)/i],
  ["huawei", /HuaweiBrowser/i],
  ["chrome_ios", /CriOS|EdgiOS|FxiOS/i],
  ["safari_ios", /(iPhone|iPad|iPod).*Safari/i],
  ["firefox", /Firefox\//i],
  ["edge", /Edg(A)?\//i],
  ["chrome_android", /Android.*Chrome\//i],
  ["chrome", /Chrome\//i],
  ["safari_mac", /Macintosh.*Safari/i],
];

/** Which browser this is, only to show the right help: behaviour follows features, never this word. */
export function browserKind(userAgent: string): BrowserKind {
  return BROWSERS.find(([, pattern]) => pattern.test(userAgent))?.[0] ?? "other";
}

/** What a browser lacks for a hearing; an empty list means it can take part. */
export type Lack = "https" | "camera_access" | "video_call" | "sending";

export interface BrowserFacts {
  isSecure: boolean;
  hasGetUserMedia: boolean;
  hasPeerConnection: boolean;
  kind: BrowserKind;
}

export function browserLacks(facts: BrowserFacts): Lack[] {
  const lacks: Lack[] = [];
  if (!facts.isSecure) lacks.push("https");
  else if (!facts.hasGetUserMedia) lacks.push("camera_access");
  if (!facts.hasPeerConnection) lacks.push("video_call");
  if (facts.kind === "wechat_desktop") lacks.push("sending"); // it receives, but never sends
  return lacks;
}

export function readBrowserFacts(): BrowserFacts {
  return {
    isSecure: window.isSecureContext,
    hasGetUserMedia: typeof navigator.mediaDevices?.getUserMedia === "function",
    hasPeerConnection: typeof RTCPeerConnection === "function",
    kind: browserKind(navigator.userAgent),
  };
}
