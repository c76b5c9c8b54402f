import type zh from "../zh/publications";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  title: "Publication review",
  lead: "A second official, not the one who submitted, must confirm. Publication can be withdrawn at any time.",
  state: { submitted: "To confirm", public: "Public", rejected: "Rejected", withdrawn: "Withdrawn" },
  filter: "By state",
  empty: {
    submitted: "Nothing waits for confirmation",
    public: "No recording is public yet",
    rejected: "Nothing was rejected",
    withdrawn: "Nothing was withdrawn",
  },
  submittedBy: "Submitted by {name}, {when}",
  decidedBy: "Decided by {name}, {when}",
  reasonIs: "Reason: {reason}",
  review: "Watch the film",
  seePublic: "See the public page",
  confirm: "Confirm publication",
  confirmText: "Anyone may then watch “{title}” without signing in.",
  reject: "Reject",
  rejectText: "The recording stays closed and the submitter sees the reason.",
  withdraw: "Withdraw",
  withdrawText: "The public page closes at once, also for people who are watching.",
  reason: "Reason",
  ownWork: "You submitted this; another official must confirm it.",
};
export default en;
