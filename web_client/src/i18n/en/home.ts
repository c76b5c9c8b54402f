import type zh from "../zh/home";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  lead: "Attend hearings, follow your case and reach the court from your phone.",
  enterParty: "Sign in as a party",
  enterStaff: "Court staff sign-in",
  watch: "Public hearing recordings",
  watchText: "Anyone may watch, without signing in.",
  tryDemo: "Open the demonstration court",
  demoText: "Invented data: play the clerk, the judge and the parties.",
  myCases: "My cases",
  hello: "Hello, {name}",
  nextHearing: "Next hearing",
  enterLobby: "Go to the lobby",
  enterRoom: "Back to the hearing",
  space: "Case space",
  unread: "{count} unread",
  asStanding: "You are: {standing}",
  noHearing: "No hearing scheduled",
  next: "Next hearing",
  emptyTitle: "No cases in your name",
  emptyText: "A case appears here once the court has filed it. If in doubt, ask the court.",
  otherCases: "All cases",
};
export default en;
