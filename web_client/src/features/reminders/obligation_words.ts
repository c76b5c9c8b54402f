/** How the board speaks of an obligation. Pure. */

import type { Tone } from "@/model/presence";
import type { DeliveryAttempt, Obligation, ObligationState, ReminderChannel } from "@/model/reminder";

export const TONES: Record<ObligationState, Tone> = {
  active: "caution",
  displayed: "caution",
  acknowledged: "proof",
  objected: "alarm",
  handed_over: "proof",
  expired: "alarm",
  cancelled: "quiet",
};

export const isOpen = ({ state }: Pick<Obligation, "state">): boolean => state === "active" || state === "displayed";
/** A clerk must still act. */
export const hasTask = ({ task }: Pick<Obligation, "task">): boolean => task != null && task.done_at === null;

/** The moment the state began, where it has one. */
export function stateAt(one: Obligation): string | null {
  return one.ended_at ?? one.displayed_at;
}

/** The newest try outside the page; a channel without an address was none. */
export function lastTry(one: Obligation): DeliveryAttempt | null {
  return one.attempts.filter(({ channel, reason }) => channel !== "in_app" && channel !== "clerk" && reason !== "no_address").sort((a, b) => b.at.localeCompare(a.at))[0] ?? null;
}

/** Ways a clerk can try by hand, those that have not failed first. */
export function waysLeft(one: Obligation): ReminderChannel[] {
  const dead = new Set(one.attempts.filter(({ state, reason }) => state === "failed" && reason === "no_address").map(({ channel }) => channel));
  return (["voice", "sms", "wechat", "email", "web_push"] as const).filter((channel) => !dead.has(channel));
}

export type BoardFilter = "all" | "overdue" | "unseen" | "objected";
export function passes(one: Obligation, filter: BoardFilter): boolean {
  switch (filter) {
    case "all":
      return true;
    case "overdue":
      return one.is_overdue === true;
    case "unseen":
      return isOpen(one) && one.displayed_at === null;
    case "objected":
      return one.state === "objected";
  }
}
