import { get } from "./request";

export type SearchSource = "message" | "document" | "exhibit";

interface HitBase {
  case_id: string;
  case_number: string;
  at: string;
  text: string;
  /** [start, end) of the words in `text`. */
  marks: [number, number][];
  cursor: string;
}
export interface MessageHit extends HitBase {
  source: "message";
  lane: string;
  lane_kind: string;
  seq: number;
  type: string;
  sender: { name: string; label: string; label_en: string } | null;
}
export interface DocumentHit extends HitBase {
  source: "document";
  attachment_id: string;
  name: string;
  page: number;
  pages: number;
}
export interface ExhibitHit extends HitBase {
  source: "exhibit";
  exhibit_id: string;
  title: string;
  label: string;
  label_en: string;
}
export type SearchHit = MessageHit | DocumentHit | ExhibitHit;

/** Newest first; `next` begins the following page. */
export function search(q: string, options: { caseId?: string | undefined; source?: SearchSource | undefined; after?: string | undefined }): Promise<{ items: SearchHit[]; next: string | null }> {
  const query: Record<string, string> = { q };
  if (options.caseId !== undefined) query["case_id"] = options.caseId;
  if (options.source !== undefined) query["in"] = options.source;
  if (options.after !== undefined) query["after"] = options.after;
  return get("/search", { query });
}
