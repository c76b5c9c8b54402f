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
  upload: { lost: "The file was lost when the page was reopened; remove it and choose it again.", quota: "The case's room for files is used up; please ask the clerk." },
  attachment: {
    empty: "The file is empty; please choose it again.",
    type: "This kind of file can't be sent; save it as PDF or as a picture.",
    executable: "Programs can't be sent.",
    macros: "The file holds macros; save it without them or as PDF and send that.",
    encrypted: "The file is protected by a password; remove it and send the file again.",
    polyglot: "The file hides content of another kind and can't be taken.",
    unreadable: "The file is damaged or incomplete; export it again and send that.",
    too_large: "The file is too large; make it smaller or split it.",
    too_many_pixels: "The picture has too many pixels; please make it smaller.",
    too_many_pages: "Too many pages; please split the file.",
    too_long: "The recording is too long; please split it.",
    bomb: "Unpacked, the file would be enormous; it can't be taken.",
    office_missing: "Old Office files can't be opened here; save in a newer format or as PDF.",
    infected: "A virus was found in the file; it was not taken. Please clean your device first.",
    not_scannable: "The file is too large to be scanned for viruses; please split it.",
    hash_mismatch: "What arrived isn't what was sent; please send it again.",
    too_slow: "The file is too complex to be checked in time; save it as PDF and send that.",
  },
  command: { timeout: "The server did not answer in time. Please try again." },
  client: { unexpected: "Something on this page went wrong. Reload it and try again." },
};
export default en;
