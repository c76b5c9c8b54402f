/** One error of an HTTP answer (RFC 9457) or of a socket ack, with a stable dotted code. */

export interface ProblemLine {
  field?: string;
  line?: number;
  code: string;
  title: string;
}

export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: string;
  readonly title: string;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly detail: string | null;
  readonly errors: ProblemLine[];
  readonly requestId: string | null;
  readonly retryAfterS: number | null;

  constructor(parts: {
    code: string;
    title: string;
    status?: number;
    detail?: string | null;
    errors?: ProblemLine[];
    requestId?: string | null;
    retryAfterS?: number | null;
  }) {
    super(`${parts.code}: ${parts.title}`);
    this.code = parts.code;
    this.title = parts.title;
    this.status = parts.status ?? 0;
    this.detail = parts.detail ?? null;
    this.errors = parts.errors ?? [];
    this.requestId = parts.requestId ?? null;
    this.retryAfterS = parts.retryAfterS ?? null;
  }

  /** No answer came: the network or the server is away, and the same request may be tried again. */
  get isOffline(): boolean {
    return this.code === "network.offline" || this.code === "network.timeout";
  }
}

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

function problemLines(value: unknown): ProblemLine[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return [];
    const { field, line, code, title } = entry as Record<string, unknown>;
    const found: ProblemLine = { code: text(code) ?? "invalid", title: text(title) ?? "" };
    if (text(field) !== null) found.field = text(field) as string;
    if (number(line) !== null) found.line = number(line) as number;
    return [found];
  });
}

/** A problem from any JSON body; a body that is not one of ours still gives a usable code. */
export function problemFromBody(status: number, body: unknown, retryAfterHeader: string | null = null): Problem {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const header = retryAfterHeader === null ? null : Number(retryAfterHeader);
  const retryMs = number(fields["retry_after_ms"]);
  return new Problem({
    code: text(fields["code"]) ?? `http.${status}`,
    title: text(fields["title"]) ?? "",
    status,
    detail: text(fields["detail"]),
    errors: problemLines(fields["errors"]),
    requestId: text(fields["request_id"]),
    retryAfterS: number(fields["retry_after_s"]) ?? (retryMs === null ? null : retryMs / 1000) ?? number(header),
  });
}

/** Anything thrown, as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem({ code: "client.unexpected", title: error instanceof Error ? error.message : String(error) });
}
