/** Bytes and texts in the one form in which receipts hold them (docs/TRUST.md). */

/** What is checked doesn't hold; the message is for developers, people are told which step failed. */
export class Wrong extends Error {}

export function need(isSo: unknown, why: string): asserts isSo {
  if (!isSo) throw new Wrong(why);
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** RFC 8785 for text, whole numbers, booleans, null, arrays and objects. */
export function canonicalJson(value: Json): string {
  if (typeof value === "number") need(Number.isSafeInteger(value) && !Object.is(value, -0), "a number that no entry has");
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  // Names in the order of their UTF-16 units, which is how a browser sorts by itself.
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name] as Json)}`).join(",")}}`;
}

/** The value of a canonical text; any other form of the same value is refused. */
export function readCanonical(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw new Wrong("not JSON");
  }
  need(canonicalJson(value) === text, "not canonical");
  return value;
}

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, at) => byte === b[at]);

export const toHex = (data: Uint8Array): string => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  need(/^(?:[0-9a-f]{2})*$/u.test(text), "not hex");
  return Uint8Array.from(text.match(/../gu) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** The bytes of base64 in its one canonical form. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    const letters = atob(text);
    need(btoa(letters) === text, "base64 in another form");
    return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  } catch {
    throw new Wrong("not base64");
  }
}

/** SHA-256 by the browser. It has none outside a secure page (https, or this machine itself). */
export async function sha256(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}
