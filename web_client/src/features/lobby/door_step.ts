import type { ConsentStage, Hearing, HearingPerson } from "@/model/types";
import type { Stage } from "@/stores/hearing_link";

/** Where a party stands on the way from the link to the hearing room. */
export type DoorStep =
  | "loading"
  | "cancelled"
  | "closed"
  | "removed"
  | "unsupported"
  | "consent"
  | "refused"
  | "self_test"
  | "waiting"
  | "called";

export const CONSENT_STAGES: readonly ConsentStage[] = ["online_hearing", "recording"];

export interface DoorFacts {
  hearing: Hearing | null;
  me: HearingPerson | null;
  canTakePart: boolean;
  /** The person went through the self-test on this page, whatever its result. */
  isTestDone: boolean;
}

export function doorStep({ hearing, me, canTakePart, isTestDone }: DoorFacts): DoorStep {
  if (!hearing || !me) return "loading";
  if (hearing.state === "cancelled") return "cancelled";
  if (me.presence === "removed") return "removed";
  if (hearing.state === "closed" && hearing.undo_close_until === null) return "closed";
  if (!canTakePart) return "unsupported";
  if (CONSENT_STAGES.some((stage) => me.consents[stage] === "refused")) return "refused";
  if (CONSENT_STAGES.some((stage) => me.consents[stage] !== "granted")) return "consent";
  // Called while still testing: the court waits, the test can be finished another time.
  if (me.presence === "admitted" || me.presence === "present") return "called";
  if (me.self_test === null && !isTestDone) return "self_test";
  return "waiting";
}

/** The next consent to ask for: one at a time, in the order of the door. */
export function nextConsent(me: Pick<HearingPerson, "consents">): ConsentStage | null {
  return CONSENT_STAGES.find((stage) => me.consents[stage] !== "granted") ?? null;
}

/** What the court is told of where this person is. */
export function stageOf(step: DoorStep): Stage {
  if (step === "self_test") return "testing";
  return step === "waiting" || step === "called" ? "waiting" : "checking";
}

/** Number of the step as shown, 1..3; null on pages that end the way. */
export function stepNumber(step: DoorStep): 1 | 2 | 3 | null {
  if (step === "consent") return 1;
  if (step === "self_test") return 2;
  return step === "waiting" || step === "called" ? 3 : null;
}
