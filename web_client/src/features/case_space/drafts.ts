/** What was being written, kept on this device per person and lane: a camera, a call or a crash must not lose it. */

const keyOf = (person: string, lane: string): string => `hs_draft:${person}:${lane}`;

export function readDraft(person: string, lane: string): string {
  try {
    return localStorage.getItem(keyOf(person, lane)) ?? "";
  } catch {
    return "";
  }
}

export function keepDraft(person: string, lane: string, text: string): void {
  try {
    if (text === "") localStorage.removeItem(keyOf(person, lane));
    else localStorage.setItem(keyOf(person, lane), text);
  } catch {
    // Without storage a draft lasts as long as the page.
  }
}
