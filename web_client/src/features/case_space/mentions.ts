/** Naming people in a text: what is offered after an "@", and whom a finished text names. Pure. */

import type { Member } from "@/model/space";

export const MENTIONS_LIMIT = 20;

export interface MentionQuery {
  /** Where the "@" stands. */
  at: number;
  /** What was written after it so far. */
  words: string;
}

/** The name being written at the caret: an "@" with no blank since, at the start of a word. */
export function mentionQuery(text: string, caret: number): MentionQuery | null {
  const before = text.slice(0, caret);
  const at = before.lastIndexOf("@");
  if (at < 0) return null;
  const words = before.slice(at + 1);
  // An e-mail address names nobody here.
  if (/\s/u.test(words) || words.length > 20 || /[A-Za-z0-9._-]$/u.test(before.slice(0, at))) return null;
  return { at, words };
}

/** People that fit: by name or by what they are in the case. */
export function offered(query: MentionQuery, people: readonly Member[]): Member[] {
  const words = query.words.toLowerCase();
  return people.filter(({ name, label, label_en: english }) =>
    [name, label, english].some((one) => one.toLowerCase().includes(words)),
  );
}

/** The text with the chosen name in place of what was begun, and where the caret then stands. */
export function insertMention(text: string, query: MentionQuery, caret: number, name: string): { text: string; caret: number } {
  const head = `${text.slice(0, query.at)}@${name} `;
  return { text: head + text.slice(caret).replace(/^ /u, ""), caret: head.length };
}

/** Who is named, longest names first so that 李明华 is not also 李明. */
export function mentionedIn(text: string, people: readonly Member[]): Member[] {
  let rest = text;
  const found: Member[] = [];
  for (const one of [...people].sort((a, b) => b.name.length - a.name.length)) {
    if (one.name === "" || !rest.includes(`@${one.name}`)) continue;
    found.push(one);
    rest = rest.replaceAll(`@${one.name}`, "");
  }
  return found.slice(0, MENTIONS_LIMIT);
}

export interface TextPart {
  text: string;
  kind: "plain" | "mention" | "me" | "address";
}

/** A text in parts for showing: names of those it mentions, web addresses (shown, never opened by themselves), the rest. */
export function textParts(text: string, mentioned: readonly { name: string; isMe: boolean }[]): TextPart[] {
  const names = mentioned.filter(({ name }) => name !== "").sort((a, b) => b.name.length - a.name.length);
  const escaped = names.map(({ name }) => `@${name.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&")}`);
  const pattern = new RegExp([...escaped, "https?://[^\\s\\u3000-\\u303f\\uff00-\\uffef<>\"']+"].join("|"), "gu");
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), kind: "plain" });
    const named = names.find(({ name }) => match[0] === `@${name}`);
    parts.push({ text: match[0], kind: named ? (named.isMe ? "me" : "mention") : "address" });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), kind: "plain" });
  return parts;
}
