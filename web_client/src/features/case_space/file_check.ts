/** Whether a chosen file can be sent, told before a byte travels; the server looks into it whatever this says. Pure. */

import type { FileKind } from "@/model/space";
import { pictureType } from "./picture_check";

/** More at once is an evidence list, not a message. */
export const FILES_AT_ONCE = 9;

const KINDS: Record<string, FileKind> = {
  pdf: "document",
  doc: "document",
  docx: "document",
  xls: "document",
  xlsx: "document",
  txt: "document",
  mp3: "audio",
  m4a: "audio",
  aac: "audio",
  amr: "audio",
  wav: "audio",
  ogg: "audio",
  mp4: "video",
  mov: "video",
  webm: "video",
};
export const DOCUMENT_ENDINGS = Object.keys(KINDS)
  .map((ending) => `.${ending}`)
  .join(",");

export const endingOf = (name: string): string => (name.includes(".") ? (name.split(".").at(-1)?.toLowerCase() ?? "") : "");

/** What a file looks like from outside; null: nothing that can be sent. */
export function fileKind(file: { name: string; type: string }): FileKind | null {
  if (pictureType(file) !== null) return "image";
  const byEnding = KINDS[endingOf(file.name)];
  if (byEnding) return byEnding;
  if (file.type.startsWith("audio/")) return "audio";
  return file.type.startsWith("video/") ? "video" : null;
}

export function fileFault(file: { name: string; type: string; size: number }, limitBytes: number): "wrongType" | "tooLarge" | "empty" | null {
  if (fileKind(file) === null) return "wrongType";
  if (file.size === 0) return "empty";
  return file.size > limitBytes ? "tooLarge" : null;
}
