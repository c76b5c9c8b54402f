import type { Act } from "@/model/acts";

interface Texts {
  t: (key: string) => string;
  te: (key: string) => boolean;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** A note is a state (`granted`, `recording:refused`), or a reason somebody wrote, which stays as written. */
function noteWords(note: string, { t, te }: Texts): string {
  const words = note.split(":");
  return words.every((word) => te(`acts.note.${word}`)) ? words.map((word) => t(`acts.note.${word}`)).join(" ") : note;
}

/** One act as a line: what happened, to whom, and what it says about it. */
export function actLine(act: Act, names: ReadonlyMap<string, string>, texts: Texts): string {
  const { t, te } = texts;
  const head = te(`acts.${act.kind}`) ? t(`acts.${act.kind}`) : t("acts.other");
  if (typeof act.summary === "string") return act.summary === "" ? head : act.summary;
  const { person_ids, note, reason, number, cause, standing, stage, decision, title } = act.summary;
  const people = Array.isArray(person_ids) ? person_ids.flatMap((id) => names.get(String(id)) ?? []) : [];
  const said = [stage, decision].map(textOf).filter((word) => word !== "").join(":") || textOf(note) || textOf(reason);
  const role = textOf(standing) === "" ? "" : t(`common.standing.${textOf(standing)}`);
  const details = [people.join(t("common.sep")), textOf(number), textOf(cause), textOf(title), role, said === "" ? "" : noteWords(said, texts)];
  const told = details.filter((detail) => detail !== "");
  return told.length === 0 ? head : `${head} · ${told.join(" · ")}`;
}
