import type { PartyDraft, RepresentativeDraft } from "@/api/cases";
import type { Problem } from "@/api/problem";
import { creditCodeProblem, idNumberProblem, type IdNumberProblem } from "@/model/id_number";
import type { PartyKind, Standing } from "@/model/types";

/** A party may have two representatives (民事诉讼法 art 61). */
export const MAX_REPRESENTATIVES = 2;

export function newParty(standing: Standing): PartyDraft {
  return { standing, kind: "natural", name: "", phone: "", id_number: "", representatives: [] };
}

export function newRepresentative(): RepresentativeDraft {
  return { name: "", phone: "", id_number: "", authority: "general" };
}

/** What is wrong with an identity number or code of this kind of person. */
export function identityProblem(text: string, kind: PartyKind): IdNumberProblem | null {
  return kind === "natural" ? idNumberProblem(text) : creditCodeProblem(text);
}

export const isMobile = (text: string): boolean => /^1[3-9]\d{9}$/u.test(text.replace(/[\s-]/gu, "").replace(/^\+?86(?=1\d{10}$)/u, ""));

/** Text key of each field that is not right yet, by its path: `parties.0.phone` → `filing.wrongPhone`. */
export type Wrong = Record<string, string>;

function person(path: string, one: Pick<PartyDraft, "name" | "phone" | "id_number">, kind: PartyKind): Wrong {
  const wrong: Wrong = {};
  if (one.name.trim() === "") wrong[`${path}.name`] = "filing.needed";
  if (one.phone.trim() === "") wrong[`${path}.phone`] = "filing.needed";
  else if (!isMobile(one.phone)) wrong[`${path}.phone`] = "filing.wrongPhone";
  if (one.id_number.trim() === "") wrong[`${path}.id_number`] = "filing.needed";
  // A wrong check digit is said beside the field while typing; the server decides.
  else if (identityProblem(one.id_number, kind) !== null) wrong[`${path}.id_number`] = "";
  return wrong;
}

export function partyWrong(path: string, party: PartyDraft): Wrong {
  const wrong = person(path, party, party.kind);
  for (const [index, one] of party.representatives.entries()) {
    Object.assign(wrong, person(`${path}.representatives.${index}`, one, "natural"));
  }
  return wrong;
}

/** The server's field errors by the same paths: `parties[0].phone`, `/parties/0/phone` and `parties.0.phone` are one. */
export function problemByField(problem: Problem | null): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { field, title } of problem?.errors ?? []) {
    if (field !== undefined) found[field.replace(/\[(\d+)\]/gu, ".$1").replace(/\//gu, ".").replace(/^\.+/u, "")] = title;
  }
  return found;
}

/** 法院代字 of this court, read from a number it has issued: （2026）浙0199民初12号 → 浙0199. */
export function courtCodeOf(numbers: readonly string[]): string | null {
  for (const number of numbers) {
    const match = /^（\d{4}）(最高法|\p{Script=Han}(?:\d{4}|\d{2})?)/u.exec(number);
    if (match?.[1]) return match[1];
  }
  return null;
}
