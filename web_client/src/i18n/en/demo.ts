import type zh from "../zh/demo";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  title: "Demonstration court",
  lead: "The people, cases and messages here are invented. Play every part and hold an online hearing from start to end.",
  outbox: "Simulated messages",
  outboxLead: "This demonstration sends no real text messages. All of them are shown here.",
  outboxEmptyTitle: "No messages yet",
  outboxEmptyText: "They appear when a hearing is scheduled, a code is asked for or a forced reminder goes out.",
  simulator: "Simulator: not really sent",
  to: "To {name} ({to})",
  people: "People",
  staff: "Court staff",
  parties: "Parties and representatives",
  oneBrowser: "A browser holds one signed-in person at a time. To play several at once use a private window or another phone.",
  username: "User name",
  password: "Password",
  phone: "Mobile number",
  idLast4: "Last four of ID",
  signInAs: "Sign in as {name}",
  link: { join: "Open the hearing link" },
  links: "Direct links",
  hearings: "Cases and hearings",
  steps: "How to play it through",
  step1: "The clerk signs in and schedules a hearing; the parties' messages appear under Simulated messages.",
  step2: "Open a message's link on a phone, enter the code and the last four of the ID, test your devices and wait.",
  step3: "The judge signs in, sees who is there, admits them and opens the hearing.",
  step4: "After closing, the clerk watches the film and submits it; a second official confirms, and anyone may watch.",
  toOutbox: "Open simulated messages",
  toPublic: "Public hearings",
  newest: "Newest first, refreshed by itself",
};
export default en;
