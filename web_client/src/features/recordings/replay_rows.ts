import type { Replay } from "@/model/types";

export interface ReplayRow {
  at_s: number;
  /** Key of the words; `people` follow them. */
  words: string;
  people: string[];
  at?: string;
}

/** Moments of the hearing: its acts, and where the record was paused, broken or sealed, in the film's order. */
export function noteRows(replay: Replay): ReplayRow[] {
  const acts = replay.notes.map((note) => ({ at_s: note.at_s, words: `acts.${note.kind}`, people: note.people, at: note.at }));
  const cards = replay.chapters
    // A recess is announced by its act already.
    .filter((chapter) => chapter.kind !== "hearing" && chapter.reason !== "recess")
    .map((chapter) => ({ at_s: chapter.from_s, words: `recordings.card.${chapter.reason}`, people: [] }));
  return [...acts, ...cards].sort((a, b) => a.at_s - b.at_s);
}

/** Who speaks when; one person's words with short breaths between them are one row. */
export function speechRows(replay: Replay, breathS = 2): ReplayRow[] {
  const rows: (ReplayRow & { until_s: number })[] = [];
  for (const speech of replay.speech) {
    const last = rows.at(-1);
    if (last !== undefined && last.people[0] === speech.name && speech.from_s - last.until_s <= breathS) last.until_s = speech.until_s;
    else rows.push({ at_s: speech.from_s, until_s: speech.until_s, words: "", people: [speech.name] });
  }
  return rows.map(({ at_s, words, people }) => ({ at_s, words, people }));
}

/** The row the film is at: the last one that has begun. -1 before the first. */
export function currentRow(rows: readonly ReplayRow[], seconds: number): number {
  let found = -1;
  rows.forEach((row, number) => {
    if (row.at_s <= seconds + 0.25) found = number;
  });
  return found;
}

/** 1:02:03 or 2:03, as players write it. */
export function filmTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
