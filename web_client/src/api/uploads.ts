import type { FileFacts } from "@/model/files";
import { API, get } from "./request";

/** What became of a file; its sender may ask from the first byte on. */
export const readFile = (id: string): Promise<FileFacts> => get(`/attachments/${id}/state`);
/** The person's own files of a case, newest first. */
export const readMyFiles = (caseId: string): Promise<{ items: FileFacts[] }> => get(`/cases/${caseId}/attachments`);
export const readFileText = (id: string): Promise<{ items: { page: number; text: string }[] }> => get(`/attachments/${id}/text`);

export const UPLOADS = `${API}/uploads`;
export const originalAddress = (id: string): string => `${API}/attachments/${id}`;
export const filePreviewAddress = (id: string): string => `${API}/attachments/${id}/preview`;
export const filePageAddress = (id: string, page: number): string => `${API}/attachments/${id}/pages/${page}`;
/** Sound as everybody's browser plays it; an office document as PDF. */
export const renditionAddress = (id: string): string => `${API}/attachments/${id}/rendition`;
