/** Files of a case as they travel (`docs/PROTOCOL.md`, Attachment), and what people may send. */

export type FileKind = "unknown" | "image" | "document" | "audio" | "video";
export type FileState = "uploading" | "checking" | "ready" | "refused";
export type FilePurpose = "message" | "voice" | "exhibit" | "submission" | "reminder";

export interface FileFacts {
  id: string;
  case_id: string;
  uploader_id: string;
  kind: FileKind;
  state: FileState;
  /** Why it was refused: the end of the code `attachment.…`. */
  reason: string | null;
  /** What a check waits for: "scanner", "inspection". */
  waits_for: string | null;
  findings: string[];
  purpose: FilePurpose;
  name: string;
  media_type: string;
  size_bytes: number;
  sha256: string | null;
  width: number;
  height: number;
  pages: number;
  duration_ms: number;
  waveform: number[];
  has_preview: boolean;
  has_rendition: boolean;
  uploaded_at: string;
  expires_at: string | null;
}

/** What a chooser offers; the server decides by the bytes. */
export const ACCEPTED =
  "image/*,.heic,.heif,application/pdf,.pdf,.docx,.xlsx,.pptx,.doc,.xls,.ppt,text/plain,.txt,video/mp4,video/quicktime,video/webm,.mov,audio/*,.m4a,.mp3,.wav,.amr,.ogg";

const PROGRAMS = /\.(exe|msi|bat|cmd|com|scr|js|vbs|ps1|sh|apk|dmg|jar|docm|xlsm|pptm|html?|svg|zip|rar|7z)$/iu;

/** A file that will surely be refused, told before a byte travels. */
export function fileFault(file: { name: string; size: number }, limitBytes: number): "empty" | "tooLarge" | "wrongType" | null {
  if (file.size === 0) return "empty";
  if (file.size > limitBytes) return "tooLarge";
  return PROGRAMS.test(file.name) ? "wrongType" : null;
}
