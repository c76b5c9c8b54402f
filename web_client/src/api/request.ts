import { Problem, problemFromBody } from "./problem";

export interface RequestOptions {
  /** Sent as JSON, unless `raw` is given. */
  body?: unknown;
  raw?: { content: BodyInit; type: string };
  query?: Record<string, string | number | boolean | null | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** How long an answer may take. Uploads give their own. */
  timeoutMs?: number;
}

export type Verb = "GET" | "POST" | "PUT" | "DELETE";

/** 15 s: longer than a slow phone network needs, shorter than a person's patience. */
const DEFAULT_TIMEOUT_MS = 15_000;
export const API = "/api/v1";

let language = "zh-CN";
let onSignedOut: () => void = () => undefined;
let onReach: (isReached: boolean) => void = () => undefined;

/** Which language the server's texts come in. */
export function setRequestLanguage(next: string): void {
  language = next;
}

/** Called when an answer says that nobody is signed in. */
export function setSignedOutListener(listener: () => void): void {
  onSignedOut = listener;
}

/** Told after every request whether an answer came at all. */
export function setReachListener(listener: (isReached: boolean) => void): void {
  onReach = listener;
}

function address(path: string, query: RequestOptions["query"]): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined);
  const search = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return search === "" ? `${API}${path}` : `${API}${path}?${search}`;
}

async function send(verb: Verb, path: string, options: RequestOptions): Promise<Response> {
  const timeout = AbortSignal.timeout?.(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const init: RequestInit = {
    method: verb,
    credentials: "same-origin",
    headers: { Accept: "application/json", "Accept-Language": language, ...options.headers },
  };
  const signal = options.signal ?? timeout;
  if (signal) init.signal = signal;
  if (options.raw) {
    init.body = options.raw.content;
    (init.headers as Record<string, string>)["Content-Type"] = options.raw.type;
  } else if (verb !== "GET") {
    init.body = options.body === undefined ? "{}" : JSON.stringify(options.body);
    (init.headers as Record<string, string>)["Content-Type"] = "application/json";
  }
  try {
    const response = await fetch(address(path, options.query), init);
    // A proxy that finds no server behind it answers for nobody.
    onReach(response.status !== 502 && response.status !== 504);
    return response;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    onReach(false);
    const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
    throw new Problem({ code: isTimeout ? "network.timeout" : "network.offline", title: "" });
  }
}

/** One request; the answer's JSON, or a thrown `Problem`. */
export async function request<T>(verb: Verb, path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(verb, path, options);
  if (response.status === 204) return undefined as T;
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const problem = problemFromBody(response.status, body, response.headers.get("Retry-After"));
    if (response.status === 401 && !path.startsWith("/sign-in") && !path.startsWith("/join-links")) onSignedOut();
    throw problem;
  }
  return body as T;
}

/** A file as it is, byte for byte, or a thrown `Problem`. */
export async function getFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await send("GET", path, {});
  if (!response.ok) {
    const body: unknown = await response.json().catch(() => null);
    if (response.status === 401) onSignedOut();
    throw problemFromBody(response.status, body, response.headers.get("Retry-After"));
  }
  return new Uint8Array(await response.arrayBuffer());
}

export const get = <T>(path: string, options?: RequestOptions): Promise<T> => request<T>("GET", path, options);
export const post = <T>(path: string, body?: unknown, options?: RequestOptions): Promise<T> =>
  request<T>("POST", path, { ...options, body });
export const put = <T>(path: string, body: unknown, options?: RequestOptions): Promise<T> =>
  request<T>("PUT", path, { ...options, body });
export const remove = <T>(path: string, options?: RequestOptions): Promise<T> => request<T>("DELETE", path, options);
