import type zh from "../zh/public_recordings";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  title: "Public hearings",
  one: "Public hearing",
  lead: "Hearings held in public by law. Anyone may watch.",
  emptyTitle: "No public recordings yet",
  emptyText: "They appear here once the court has confirmed them.",
  more: "See earlier recordings",
  search: "Search",
  searchNumber: "Case number",
  searchDay: "Day of the hearing",
  noneFound: "No public recording fits",
  noneFoundText: "Check number and day, or clear them.",
  clear: "Clear",
  heldOn: "Held on",
  number: "Case number",
  cause: "Cause",
  court: "Court",
  published: "Published",
  length: "Length",
  play: "Play “{title}”",
  player: "Recording of the hearing",
  goneTitle: "This recording is not public",
  goneText: "The court may have withdrawn it, or the link is incomplete.",
  toList: "See other recordings",
  rules: "Do not edit, republish or use for business without the court's leave.",
  staffDoor: "Court start page",
  playFailed: "The recording does not play just now. Check your network and try again.",
};
export default en;
