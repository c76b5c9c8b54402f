import type { Recording } from "@/model/types";

/** The record still grows or its film is still to come: the page looks again by itself. */
export function isUnfinished(recording: Pick<Recording, "state" | "film">): boolean {
  return recording.state === "recording" || !["ready", "failed"].includes(recording.film.state);
}
