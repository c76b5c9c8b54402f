/** What is being written beside the words: which message is answered or corrected, and what the words are meant to be. */

import type { MessageType, TextLabel } from "@/model/space";
import type { LaneEvent, Quoted } from "@/model/types";
import { textNow } from "@/stores/lane_amendments";

export interface Context {
  kind: "reply" | "correction";
  event: LaneEvent;
}
export interface Outgoing {
  type: MessageType;
  body: Record<string, unknown>;
}

/** Statements with effect in the suit are confirmed word for word. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** As the server cleans it, so that both hash the same words. */
export const cleanText = (text: string): string => text.replace(/\r\n?/gu, "\n").trim();

export function outgoingText(
  words: string,
  parts: { lane: string; context: Context | null; label: TextLabel | null; confirmedSha256: string | null; mentions: readonly string[] },
): Outgoing {
  const text = cleanText(words);
  if (parts.context?.kind === "correction") return { type: "correction", body: { target_seq: parts.context.event.seq, text } };
  const body: Record<string, unknown> = { text };
  if (parts.label !== null) body["label"] = parts.label;
  if (parts.confirmedSha256 !== null) body["text_sha256"] = parts.confirmedSha256;
  if (parts.mentions.length > 0) body["mentions"] = [...parts.mentions];
  if (parts.context?.kind === "reply") body["reply_to"] = { lane: parts.lane, seq: parts.context.event.seq };
  return { type: "text", body };
}

/** A message as a quotation shows it, before the server has made one. */
export function asQuoted(event: LaneEvent): Quoted {
  const duration = event.body["duration_ms"];
  const words = event.type === "text" ? textNow(event) : event.type === "audio" ? "" : String(event.body["name"] ?? "");
  return {
    seq: event.seq,
    type: event.type,
    sender: event.sender,
    excerpt: words.replace(/\s+/gu, " ").slice(0, 80),
    is_withheld: event.withheld !== undefined,
    ...(event.type === "audio" && typeof duration === "number" ? { duration_ms: duration } : {}),
  };
}
