import type { HearingPerson } from "./types";

/** The one honest word shown for a person, in the order of `docs/PROTOCOL.md`. */
export type PersonWord =
  | "removed"
  | "left"
  | "absent"
  | "checking"
  | "testing"
  | "waiting"
  | "lost"
  | "interrupted"
  | "hidden"
  | "silent"
  | "weak"
  | "connecting"
  | "present";

/** "admitted" counts as being connected: the court has called the person, the media is on its way. */
export function personWord(person: Pick<HearingPerson, "presence" | "connection" | "page">): PersonWord {
  const { presence, connection, page } = person;
  if (presence !== "present" && presence !== "admitted") return presence;
  if (connection === "lost") return "lost";
  if (page === "interrupted") return "interrupted";
  if (page === "hidden") return "hidden";
  if (connection === "silent") return "silent";
  if (connection === "weak") return "weak";
  if (connection === "connecting" || connection === "none") return "connecting";
  return "present";
}

export type Tone = "quiet" | "court" | "proof" | "caution" | "alarm";

/** Which colour the word wears. */
export function personTone(word: PersonWord): Tone {
  switch (word) {
    case "present":
      return "proof";
    case "weak":
    case "hidden":
    case "connecting":
      return "caution";
    case "lost":
    case "interrupted":
    case "silent":
    case "removed":
      return "alarm";
    case "waiting":
    case "checking":
    case "testing":
      return "court";
    default:
      return "quiet";
  }
}
