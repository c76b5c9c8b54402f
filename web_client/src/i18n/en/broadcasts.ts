import type zh from "../zh/broadcasts";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  title: "Live broadcast",
  lead: "Shown with a delay. Applied for before the opening; the parties are told and a second official approves; judge and clerk can cut it with one tap.",
  none: "No broadcast was applied for.",
  ask: "Apply for a broadcast",
  askTitle: "Public title",
  state: { submitted: "To approve", approved: "Approved", rejected: "Refused", cut: "Cut" },
  approve: "Approve the broadcast",
  approveText: "Once the hearing is open, anyone may watch it with a delay.",
  reject: "Refuse",
  rejectText: "This hearing is not broadcast; the applicant sees the reason.",
  reason: "Reason",
  reasonIs: "Reason: {reason}",
  until: "Objections until {when}",
  ownWork: "You applied for this; another official must approve it.",
  sign: "Live, delayed",
  cut: "Cut the broadcast",
  cutReason: "Cut by the court",
  wasCut: "Broadcast cut",
  notice: "Broadcast",
  noticeLead: "The court intends to broadcast this hearing live with a delay. You may object with your reason before it opens; please also confirm if you have no objection.",
  live: "Live now",
  liveOne: "Hearing live",
  delayed: "Delayed",
  player: "Hearing live",
  over: "The broadcast is over",
  overText: "It has ended, or the court has cut it.",
  waiting: "The broadcast is about to begin",
};
export default en;
