import type zh from "../zh/errors";
import type { Texts } from "../texts";

const en: Texts<typeof zh> = {
  unknown: "That did not work. Please try again (code {code}).",
  server: "The server is not available just now. Please try again shortly (code {code}).",
  wait: " Please wait {seconds} seconds before trying again.",
  not_found: "Not found, or not yours to see.",
  network: {
    offline: "The server cannot be reached. Check your network and try again.",
    timeout: "The server did not answer in time. Check your network and try again.",
  },
  client: { unexpected: "Something on this page went wrong. Reload it and try again." },
};
export default en;
