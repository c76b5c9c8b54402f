import type { Standing } from "./types";

/** Who is named first: the side that asks, the side that answers, then the others. */
const ORDER: readonly Standing[] = ["plaintiff", "appellant", "applicant", "defendant", "appellee", "respondent", "third_party"];

/** Parties as a court lists them; within one standing by their number. */
export function inCourtOrder<P extends { standing: Standing; ordinal: number }>(parties: readonly P[]): P[] {
  return [...parties].sort((a, b) => ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing) || a.ordinal - b.ordinal);
}
