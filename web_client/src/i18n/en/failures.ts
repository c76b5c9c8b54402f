import type zh from "../zh/failures";
import type { Texts } from "../texts";

/** Statements of failure: what the watch found about a recording, read, added to and signed by the judge. */
const en: Texts<typeof zh> = {
  title: "Statements of failure",
  intro: "The server drafted these from what its watch found. Check them, add what you know and sign; a signed statement can't change and stays with the recording.",
  banner: {
    lasting: "Recording alarm: {title}.",
    over: "Recording, over now: {title}.",
    more: "{count} more.",
    read: "Statement",
    advice: "Please check; go on or adjourn.",
  },
  state: { lasting: "Lasting", over: "Over", signed: "Signed", unsigned: "To be signed" },
  from: "Since",
  until: "Until",
  noticed: "Noticed",
  cause: "Cause",
  remarks: "Remarks (optional)",
  remarksPlaceholder: "For example: the party wasn't speaking then and was asked to check the microphone",
  sign: "Sign this statement",
  signedBy: "Signed by {name} at {time}",
  remarksSaid: "Remarks: {remarks}",
  none: "No statements: the watch found nothing wrong.",
  onlyJudge: "The judge of the case signs.",
};

export default en;
