import type zh from "../zh/imports";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  title: "Import cases",
  lead: "Export CSV or JSON from the system you have, check it, then import all of it at once. If one line is wrong, nothing is imported.",
  choose: "Choose a file",
  chooseOther: "Choose another",
  drop: "or drop it here",
  template: "Download a CSV template",
  file: "{name}, {size}",
  check: "Check the file",
  run: "Import {count}",
  checking: "Checking line by line…",
  okTitle: "The check passed",
  okText: "{count} cases can be imported.",
  doneTitle: "{count} imported",
  badTitle: "{count} places need correcting",
  badText: "Nothing was imported. Correct the file and choose it again.",
  line: "Line",
  field: "Column",
  what: "Problem",
  wrongType: "Only .csv or .json files",
  tooLarge: "The file is larger than {size}",
  toCases: "See the cases",
};
export default en;
