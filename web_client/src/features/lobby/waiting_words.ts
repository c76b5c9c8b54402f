import type { Hearing } from "@/model/types";

export interface WaitingSentence {
  key: "early" | "soon" | "preparing" | "late" | "in_session" | "recess" | "recess_until" | "closed";
  minutes?: number;
  time?: string;
}

/** From here on the person should stay by the phone. */
const STAY_FROM_MIN = 60;
/** Courts are rarely on the second; after this the page says that it knows. */
const LATE_FROM_MIN = 5;

/** What a waiting person needs to know now, in one sentence. `now` is the court's clock. */
export function waitingSentence(hearing: Pick<Hearing, "state" | "starts_at" | "recess">, now: Date): WaitingSentence {
  if (hearing.state === "in_session") return { key: "in_session" };
  if (hearing.state === "closed") return { key: "closed" };
  if (hearing.state === "recess") {
    const time = hearing.recess?.resumes_at;
    return time ? { key: "recess_until", time } : { key: "recess" };
  }
  const minutes = Math.ceil((Date.parse(hearing.starts_at) - now.getTime()) / 60_000);
  if (minutes > STAY_FROM_MIN) return { key: "early", minutes };
  if (minutes > 0) return { key: "soon", minutes };
  return -minutes >= LATE_FROM_MIN ? { key: "late", minutes: -minutes } : { key: "preparing" };
}
