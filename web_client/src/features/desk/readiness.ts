import type { Hearing, HearingPerson } from "@/model/types";

/** How ready a hearing is, counted over the people from outside the court. */
export interface Readiness {
  all: number;
  arrived: number;
  consented: number;
  tested: number;
  refused: number;
}

export const isOutsider = (person: HearingPerson): boolean => person.role === "party" || person.role === "representative";

export function readinessOf(hearing: Pick<Hearing, "people">): Readiness {
  const people = hearing.people.filter(isOutsider);
  const count = (test: (person: HearingPerson) => boolean): number => people.filter(test).length;
  return {
    all: people.length,
    arrived: count((person) => !["absent", "left", "removed"].includes(person.presence)),
    consented: count((person) => person.consents.online_hearing === "granted" && person.consents.recording === "granted"),
    tested: count((person) => person.self_test === "passed"),
    refused: count((person) => person.consents.online_hearing === "refused"),
  };
}
