import { Problem, problemFromBody } from "@/api/problem";
import type { Attachment, CaseSpace, LanePage } from "@/model/space";
import { API, get } from "./request";

export const readSpace = (caseId: string): Promise<CaseSpace> => get(`/cases/${caseId}/space`);
export const readLane = (lane: string, range: { after?: number; before?: number; limit?: number }): Promise<LanePage> =>
  get(`/lanes/${lane}/events`, { query: range });
export const attachmentAddress = (id: string): string => `${API}/attachments/${id}`;
export const previewAddress = (id: string): string => `${API}/attachments/${id}/preview`;

/** Five minutes: 20 MB over a weak phone network. */
const UPLOAD_TIMEOUT_MS = 300_000;

export interface Upload {
  done: Promise<Attachment>;
  stop: () => void;
}

/** Send a picture's bytes. `XMLHttpRequest`, because only it tells how far an upload is. */
export function uploadPicture(
  caseId: string,
  picture: { content: Blob; type: string; name: string },
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
    call.setRequestHeader("Content-Type", picture.type);
    call.setRequestHeader("X-File-Name", encodeURIComponent(picture.name));
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
    call.send(picture.content);
  });
  return { done, stop: () => call.abort() };
}
