import type zh from "../zh/join";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  title: "Attend the hearing",
  court: "Court",
  time: "Time",
  today: "The hearing is today",
  tomorrow: "The hearing is tomorrow",
  notToday: "The hearing is not today",
  passed: "The day of the hearing has passed",
  early: "You can already confirm your identity and test your devices.",
  identity: "Confirm who you are",
  identityText: "The code goes to {phone}",
  code: "Code from the text message",
  idLast4: "Last four characters of your ID number",
  idHint: "If the last one is X, enter X. Organisations: the last four of the social credit code.",
  enter: "Confirm and go to the lobby",
  needCode: "Enter the 6 digits from the message",
  needId: "Enter four characters; the last may be a letter",
  sent: "A code was sent to {phone}",
  unknownTitle: "This link does not work",
  unknownText: "Check that it is complete, or use the court's most recent message. Each new message makes the older link invalid.",
  expiredTitle: "This link is no longer valid",
  expiredText: "A newer text message replaces the older link: open the newest one. Or sign in with your mobile number and enter from My cases.",
  cancelledTitle: "This hearing was cancelled",
  cancelledText: "The court will tell you the new time.",
  signInInstead: "Sign in with mobile number",
  privacy: "Do not pass this link on. Recording, filming, screenshots and sharing need the court's leave.",
};
export default en;
