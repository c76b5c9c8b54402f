import type zh from "../zh/case_space";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  title: "Case space",
};
export default en;
