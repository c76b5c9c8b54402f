/** Whether a chosen file can be sent as a picture, told before a byte travels. Pure. */

const BY_ENDING: Record<string, string> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  heic: "image/heic",
  heif: "image/heic",
};
const TYPES = new Set(Object.values(BY_ENDING));

/** More at once is a document, not a few pictures. */
export const PICTURES_AT_ONCE = 9;

/** The media type of a picture; some phones give none for HEIC, then the ending decides. Null: not a picture we send. */
export function pictureType(file: { name: string; type: string }): string | null {
  const given = file.type === "image/heif" || file.type === "image/heic-sequence" ? "image/heic" : file.type;
  if (TYPES.has(given)) return given;
  if (given !== "" && given !== "application/octet-stream") return null;
  return BY_ENDING[file.name.split(".").at(-1)?.toLowerCase() ?? ""] ?? null;
}

export function pictureFault(
  file: { name: string; type: string; size: number },
  limitBytes: number,
): "wrongType" | "tooLarge" | "empty" | null {
  if (pictureType(file) === null) return "wrongType";
  if (file.size === 0) return "empty";
  return file.size > limitBytes ? "tooLarge" : null;
}
