import type zh from "../zh/agencies";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  add: "Add a representative",
  save: "Add",
  title: "Representative of {party}",
  text: "Please check the power of attorney. This person then reads the case space of that side and gets the links of coming hearings.",
  authority: "Authority",
  end: "End",
  endTitle: "End the representation by {name}?",
  endText: "From that moment this person is out of the case space, of mediations and of hearings, and sees nothing of them. Please check the revocation.",
};
export default en;
