import type { SingleTrack, TrackShown } from "@/model/types";

export const trackKey = (one: Pick<SingleTrack, "person_id" | "shown">): string => `${one.person_id}/${one.shown}`;

const ORDER: readonly TrackShown[] = ["camera", "screen", "voice"];

export interface PersonTracks {
  person_id: string;
  name: string;
  label: SingleTrack["label"];
  tracks: SingleTrack[];
}

/** By person as they came; a camera brings its voice along, so a voice alone comes last. */
export function byPerson(tracks: readonly SingleTrack[]): PersonTracks[] {
  const people = new Map<string, PersonTracks>();
  for (const one of tracks) {
    const known = people.get(one.person_id) ?? { person_id: one.person_id, name: one.name, label: one.label, tracks: [] };
    known.tracks.push(one);
    people.set(one.person_id, known);
  }
  for (const person of people.values()) person.tracks.sort((a, b) => ORDER.indexOf(a.shown) - ORDER.indexOf(b.shown));
  return [...people.values()];
}

/** Chosen with one more or one less. A person's camera has the voice in it: the two are never chosen together. */
export function toggled(chosen: readonly string[], one: Pick<SingleTrack, "person_id" | "shown">, most: number): string[] {
  const key = trackKey(one);
  if (chosen.includes(key)) return chosen.filter((other) => other !== key);
  const twin = one.shown === "camera" ? "voice" : one.shown === "voice" ? "camera" : null;
  const kept = chosen.filter((other) => twin === null || other !== trackKey({ person_id: one.person_id, shown: twin }));
  return kept.length >= most ? [...kept] : [...kept, key];
}

export const isMoving = (one: Pick<SingleTrack, "state">): boolean => one.state === "queued" || one.state === "composing";

/** Whether a person's track stands in the film at a second: elsewhere its picture is an empty page. */
export const isThere = (one: Pick<SingleTrack, "spans">, seconds: number): boolean =>
  one.spans.some(([from, until]) => from <= seconds && seconds < until);
