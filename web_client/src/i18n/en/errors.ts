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
  message: {
    too_long: "The text is too long. Shorten it or send it in parts.",
    empty: "The message is empty.",
    characters: "The text has control characters that cannot be shown. Remove them and send again.",
    too_fast: "Too many messages at once. Please wait a moment.",
    body: "The message is malformed. Reload the page and try again.",
    image: "The picture's description is incomplete. Choose the picture again.",
    client_id_reused: "This message differs from the one already saved. Please write it anew.",
  },
  command: { timeout: "The server did not answer in time. Please try again." },
  client: { unexpected: "Something on this page went wrong. Reload it and try again." },
};
export default en;
