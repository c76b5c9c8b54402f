import type zh from "../zh/sign_in";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  title: "Sign in",
  lead: "To attend a hearing or see a case, first say who you are.",
  ended: "Your sign-in has ended. Please sign in again.",
  asParty: "Party",
  asStaff: "Court staff",
  who: "Sign in as",
  phone: "Mobile number",
  phoneHint: "The number the court has on file",
  code: "Code from the text message",
  askCode: "Send code",
  askAgain: "Send again",
  askIn: "Again in {seconds} s",
  codeSent: "If this number belongs to a case here, a code is on its way.",
  username: "User name",
  password: "Password",
  enter: "Sign in",
  needPhone: "Enter your 11-digit mobile number",
  needCode: "Enter the 6 digits from the message",
  linkHint: "If you received a hearing message, its link is the quicker way.",
  demoHint: "This is a demonstration court. Messages are on the simulated messages page.",
  openOutbox: "Open simulated messages",
};
export default en;
