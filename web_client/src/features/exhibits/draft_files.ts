/** Files of a draft: what its page shows of each, and what survives a reload. Pure. */

import type { ShownFile } from "@/features/files/DocumentViewer.vue";
import type { ExhibitFile } from "@/model/exhibit";
import type { FileFacts, FileKind } from "@/model/files";

export interface DraftFile {
  attachment_id: string;
  name: string;
  media_type: string;
  size_bytes: number;
  pages: number;
}

/** The server's own limit for one exhibit. */
export const MAX_FILES = 30;

export const draftFile = (facts: FileFacts): DraftFile => ({
  attachment_id: facts.id, name: facts.name, media_type: facts.media_type, size_bytes: facts.size_bytes, pages: Math.max(1, facts.pages),
});

export function kindOf(mediaType: string): FileKind {
  const family = mediaType.split("/")[0];
  return family === "image" || family === "audio" || family === "video" ? family : "document";
}

/** A file as the viewer of documents wants it. */
export const shownFile = (file: DraftFile | ExhibitFile): ShownFile => ({
  id: file.attachment_id, name: file.name, kind: kindOf(file.media_type), media_type: file.media_type, size_bytes: file.size_bytes,
  pages: kindOf(file.media_type) === "document" ? file.pages : 0, has_preview: true, findings: [],
});
