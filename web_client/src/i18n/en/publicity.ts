import type zh from "../zh/publicity";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  title: "Publicity",
  emptyTitle: "Nothing is to be public",
  emptyText: "Before a recording is published or a hearing broadcast, the court tells you, and waits here for your word.",
  closedText: "This case is heard behind closed doors: nothing of it is published or broadcast.",
  kind: { publication: "Recording to be published", broadcast: "Hearing to be broadcast" },
  yourWord: "Please say whether you object",
  agreed: "You have no objection",
  objected: "You have objected",
  doors: "Closed doors",
  ground: {
    state_secret: "State secret",
    privacy: "Personal privacy",
    minor: "A minor is concerned",
    trade_secret: "Trade secret (on request)",
    divorce: "Divorce (on request)",
    other_law: "Another provision of law",
  },
  groundOf: "Ground for closing the doors",
  reason: "Reason",
  request: "Who asked, and how",
  requestedBy: "Request: {request}",
  orderedOn: "Ordered on {date}",
  close: { cases: "Hear the case behind closed doors", hearings: "Hold this hearing behind closed doors" },
  closeText: "This can't be taken back: nothing may be published or broadcast; what is public is taken down, what is on air is cut at once.",
  closeIt: "Close the doors",
  order: "Close the doors",
};
export default en;
