/** What a lane is called and who reads it, in words. Pure: the texts come in. */

import { isCourt, type LaneBrief, type Member } from "@/model/space";

export interface LaneTexts {
  t: (key: string, values?: Record<string, unknown>) => string;
  either: (zh: string, en: string) => string;
}

const sideOf = (lane: LaneBrief, { either }: LaneTexts): string => (lane.side ? either(lane.side.label, lane.side.label_en) : "");

/** Its name on the switch. The court may have two sealed ones and says whose. */
export function laneName(lane: LaneBrief, isStaff: boolean, texts: LaneTexts): string {
  const { t } = texts;
  if (lane.kind === "sealed" && isStaff) return t("lanes.name.sealedOf", { side: sideOf(lane, texts) });
  if (lane.kind === "mediation") return lane.title || t("lanes.name.mediation");
  return t(`lanes.name.${lane.kind}`);
}

/** Those beside the court who read it, by their seats. */
export const outsiders = (lane: LaneBrief, members: readonly Member[]): Member[] =>
  members.filter((member) => !isCourt(member.role) && lane.readers.includes(member.person_id));

/** One line above the talk; empty where all on the case read. */
export function whoReads(lane: LaneBrief, members: readonly Member[], texts: LaneTexts): string {
  const { t, either } = texts;
  if (lane.kind === "everyone") return "";
  if (lane.kind === "bench") return t("lanes.who.bench");
  if (lane.kind === "sealed") return t("lanes.who.sealed", { side: sideOf(lane, texts) });
  const people = outsiders(lane, members).map((one) => `${either(one.label, one.label_en)} ${one.name}`);
  const who = people.length === 0 ? t("lanes.who.mediationNobody") : t("lanes.who.mediation", { people: people.join(t("common.sep")) });
  return lane.closed ? `${t("lanes.who.closed")} ${who}` : who;
}

/** In the field before one writes. */
export function writeHint(lane: LaneBrief, texts: LaneTexts): string {
  if (lane.kind === "sealed") return texts.t("lanes.write.sealed", { side: sideOf(lane, texts) });
  if (lane.kind === "mediation") return texts.t("lanes.write.mediation");
  return texts.t(lane.kind === "bench" ? "case_space.composer.toBench" : "case_space.composer.toEveryone");
}

/** Where nothing was written yet. */
export function emptyHint(lane: LaneBrief, texts: LaneTexts): string {
  return lane.kind === "everyone" ? texts.t("case_space.emptyText") : texts.t(`lanes.empty.${lane.kind}`, { side: sideOf(lane, texts) });
}

/** Sides of the case none of whose people is among the chosen: they have to have agreed. */
export function sidesLeftOut(file: { parties: readonly { standing: string; person_id: string; representatives?: readonly { person_id: string }[] }[] }, chosen: readonly string[]): string[] {
  const heard = new Set(
    file.parties.flatMap((party) => ([party.person_id, ...(party.representatives ?? []).map((one) => one.person_id)].some((id) => chosen.includes(id)) ? [party.standing] : [])),
  );
  return [...new Set(file.parties.map(({ standing }) => standing))].filter((standing) => !heard.has(standing));
}

/** On which side of the case somebody stands, as party or representative; null for the court. */
export function ownStanding(
  file: { parties: readonly { standing: string; person_id: string; representatives?: readonly { person_id: string }[] }[] },
  me: string,
): string | null {
  return file.parties.find((party) => party.person_id === me || party.representatives?.some((one) => one.person_id === me))?.standing ?? null;
}
