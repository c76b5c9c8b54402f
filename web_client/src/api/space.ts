import { Problem, problemFromBody } from "@/api/problem";
import type { Attachment, CaseSpace, LanePage } from "@/model/space";
import { API, get, post } from "./request";

export const readSpace = (caseId: string): Promise<CaseSpace> => get(`/cases/${caseId}/space`);
export const readLane = (lane: string, range: { after?: number; before?: number; limit?: number }): Promise<LanePage> =>
  get(`/lanes/${lane}/events`, { query: range });
export const attachmentAddress = (id: string): string => `${API}/attachments/${id}`;
/** Everything of the space that one may see, as a ZIP. */
export const exportAddress = (caseId: string): string => `${API}/cases/${caseId}/space/export`;
export const renditionAddress = (id: string): string => `${API}/attachments/${id}/rendition`;
export const pageAddress = (id: string, page: number): string => `${API}/attachments/${id}/pages/${page}`;
export const previewAddress = (id: string): string => `${API}/attachments/${id}/preview`;

/** Five minutes: 20 MB over a weak phone network. */
const UPLOAD_TIMEOUT_MS = 300_000;

export interface Upload {
  done: Promise<Attachment>;
  stop: () => void;
}

/** Send a small file in one request; the server looks into it before it answers. `XMLHttpRequest`, because only it tells how far it is. */
export function uploadFile(
  caseId: string,
  file: { content: Blob; type: string; name: string },
  language: string,
  onProgress: (share: number) => void,
): Upload {
  const call = new XMLHttpRequest();
  const done = new Promise<Attachment>((resolve, reject) => {
    const fail = (code: string): void => reject(new Problem({ code, title: "" }));
    call.open("POST", `${API}/cases/${caseId}/attachments`);
    call.timeout = UPLOAD_TIMEOUT_MS;
    call.responseType = "json";
    call.setRequestHeader("Accept", "application/json");
    call.setRequestHeader("Accept-Language", language);
    call.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    call.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    call.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    });
    call.addEventListener("load", () => {
      if (call.status === 201) resolve(call.response as Attachment);
      else reject(problemFromBody(call.status, call.response, call.getResponseHeader("Retry-After")));
    });
    call.addEventListener("error", () => fail("network.offline"));
    call.addEventListener("timeout", () => fail("network.timeout"));
    call.addEventListener("abort", () => fail("network.offline"));
    call.send(file.content);
  });
  return { done, stop: () => call.abort() };
}

/** The name it had when only pictures could be sent. */
export const uploadPicture = uploadFile;

/** What was taken out of sight, for the bench; each look is an act. */
export const readWithheld = (lane: string, seq: number): Promise<WithheldContent> => post(`/lanes/${lane}/events/${seq}/withheld`);
export interface WithheldContent {
  seq: number;
  type: string;
  body: Record<string, unknown>;
  corrections: string[];
}
