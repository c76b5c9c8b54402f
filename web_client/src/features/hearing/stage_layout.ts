import type { Hearing, HearingPerson } from "@/model/types";

/** Who is shown large and who small. Pure, so that every case of it is a table in a test. */
export interface StageLayout {
  /** Whose shown screen lies over all else. */
  screen: string | null;
  large: string[];
  small: string[];
}

export interface StageFacts {
  hearing: Pick<Hearing, "people" | "me">;
  /** Who speaks now, or spoke last: a pause for breath moves no picture. */
  speaker: string | null;
  /** Who shows a screen, the newest last. */
  screens: readonly string[];
  /** A wide stage gives a shown screen all of it; a phone held upright keeps room for two faces under it. */
  isWide: boolean;
  /** Room for this many equal pictures before the stage splits into large and small. */
  equalUpTo: number;
}

/** People that have a place in the room: called in, connected, or just lost and expected back. */
export function isInRoom(person: Pick<HearingPerson, "presence">): boolean {
  return person.presence === "admitted" || person.presence === "present";
}

/**
 * The bench sees everyone alike while they fit. A party sees the judge and the person speaking large; with nobody
 * speaking, the first of the other side, so that the stage never jumps to empty.
 */
export function stageLayout({ hearing, speaker, screens, isWide, equalUpTo }: StageFacts): StageLayout {
  const others = hearing.people.filter((person) => isInRoom(person) && person.person_id !== hearing.me.person_id);
  const ids = others.map(({ person_id }) => person_id);
  const screen = screens.filter((identity) => ids.includes(identity)).pop() ?? null;
  if (screen !== null && isWide) return { screen, large: [], small: ids };
  if (ids.length <= (screen === null ? equalUpTo : Math.min(equalUpTo, 2))) return { screen, large: ids, small: [] };
  const judge = others.find(({ role }) => role === "judge")?.person_id;
  const speaking = speaker !== null && ids.includes(speaker) && speaker !== judge ? speaker : undefined;
  const firstParty = others.find(({ role }) => role === "party" || role === "representative")?.person_id;
  const second = speaking ?? firstParty ?? ids.find((id) => id !== judge);
  const large = [judge, second].filter((id): id is string => id !== undefined);
  return { screen, large, small: ids.filter((id) => !large.includes(id)) };
}

/** Keeps the last person that spoke, except oneself: looking at one's own large picture helps nobody. */
export function nextSpeaker(previous: string | null, now: string | null, me: string): string | null {
  return now === null || now === me ? previous : now;
}

/** Who shows a screen in the order they began: the newest lies on top, as in the film. */
export function inOrderOfSharing(before: readonly string[], now: readonly string[]): string[] {
  const still = before.filter((identity) => now.includes(identity));
  return [...still, ...now.filter((identity) => !still.includes(identity))];
}

/** Computers send wide pictures, phones tall ones; a tile is never made wider than a wide picture. */
const WIDE_PICTURE = 16 / 9;
const GAP_PX = 8;

export interface StageGrid {
  columns: number;
  /** Past this width a tile would only grow black bars. */
  tileMaxWidthPx: number;
}

/** The number of columns that makes wide pictures largest on this stage. */
export function bestGrid(count: number, widthPx: number, heightPx: number): StageGrid {
  let best = { columns: 1, tileMaxWidthPx: Math.round(heightPx * WIDE_PICTURE), picturePx: -1 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const cellWidthPx = (widthPx - GAP_PX * (columns - 1)) / columns;
    const cellHeightPx = (heightPx - GAP_PX * (rows - 1)) / rows;
    const picturePx = Math.min(cellWidthPx, cellHeightPx * WIDE_PICTURE);
    if (picturePx > best.picturePx) best = { columns, tileMaxWidthPx: Math.round(cellHeightPx * WIDE_PICTURE), picturePx };
  }
  return { columns: best.columns, tileMaxWidthPx: best.tileMaxWidthPx };
}
