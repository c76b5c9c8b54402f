/** One file over tus 1.0 by the library that everybody's servers are tested with; where to go on is asked of the server. */

import type { DetailedError, Upload } from "tus-js-client";
import { UPLOADS } from "@/api/uploads";
import { Problem, problemFromBody } from "@/api/problem";
import type { FilePurpose } from "@/model/files";

export interface SendOptions {
  file: File;
  caseId: string;
  purpose: FilePurpose;
  /** The upload's address from an earlier try. */
  address: string | null;
  language: string;
  onAddress: (address: string) => void;
  onProgress: (sentBytes: number) => void;
}

export interface Sending {
  /** The address; rejects with a `Problem`. */
  done: Promise<string>;
  /** Leave off where it is; what arrived stays there. */
  stop: () => void;
}

/** A small first part soon shows that the line works; a good line is then asked for fewer, larger ones. */
const FIRST_PART_BYTES = 256 * 1024;
const LARGEST_PART_BYTES = 4 * 1024 * 1024;
const QUICK_MS = 4_000;
/** The whole file's hash goes along where it costs a moment: the court then knows that it got this very file. */
const HASHED_BYTES = 64 * 1024 * 1024;

async function sha256Of(file: File): Promise<string | null> {
  if (file.size > HASHED_BYTES || typeof crypto.subtle === "undefined") return null;
  try {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    // A file that can't be read any more shows when it is sent.
    return null;
  }
}

/** What went wrong, in the words of every other request. */
export function problemOf(error: Error | DetailedError): Problem {
  const answer = "originalResponse" in error ? error.originalResponse : null;
  if (!answer) return new Problem({ code: "network.offline", title: "" });
  let body: unknown = null;
  try {
    body = JSON.parse(answer.getBody());
  } catch {
    // A proxy's page.
  }
  return problemFromBody(answer.getStatus(), body, answer.getHeader("Retry-After") ?? null);
}

export function sendByTus(options: SendOptions): Sending {
  let upload: Upload | null = null;
  let isStopped = false;
  const done = (async (): Promise<string> => {
    const [{ Upload: Tus }, sha256] = await Promise.all([import("tus-js-client"), options.address ? null : sha256Of(options.file)]);
    if (isStopped) return new Promise<string>(() => undefined);
    return new Promise<string>((resolve, reject) => {
      let beganMs = performance.now();
      const made = new Tus(options.file, {
        endpoint: UPLOADS,
        uploadUrl: options.address,
        chunkSize: FIRST_PART_BYTES,
        // Tries, pauses and their reasons are the store's; the library does one run.
        retryDelays: null,
        storeFingerprintForResuming: false,
        headers: { Accept: "application/json", "Accept-Language": options.language },
        metadata: { case_id: options.caseId, purpose: options.purpose, filename: options.file.name, filetype: options.file.type, ...(sha256 ? { sha256 } : {}) },
        onUploadUrlAvailable: () => made.url && options.onAddress(made.url),
        onProgress: (sent) => options.onProgress(sent),
        onChunkComplete: () => {
          const now = performance.now();
          if (now - beganMs < QUICK_MS) made.options.chunkSize = Math.min(LARGEST_PART_BYTES, (made.options.chunkSize ?? FIRST_PART_BYTES) * 2);
          beganMs = now;
        },
        onError: (error) => reject(problemOf(error)),
        onSuccess: () => resolve(made.url ?? ""),
      });
      upload = made;
      made.start();
    });
  })();
  return {
    done,
    stop: () => {
      isStopped = true;
      void upload?.abort(false);
    },
  };
}

/** The attachment's id is the end of the upload's address. */
export const idOf = (address: string): string => address.split("/").at(-1) ?? "";
