/**
 * Messages on their way. Each has a client id the server keeps for ever, so that sending again is harmless;
 * each is sending, saved or failed, and nothing else. They survive a reload; one per lane is under way at a time.
 */

import { asProblem, type Problem } from "@/api/problem";

export interface OutboxEntry {
  clientId: string;
  lane: string;
  type: "text" | "image";
  body: Record<string, unknown>;
  writtenAt: string;
  state: "sending" | "saved" | "failed";
  /** Why it failed, or why the last try did not succeed. */
  problem: { code: string; title: string } | null;
  /** Given by the server with the ack; the event itself follows. */
  seq: number | null;
}

/** Where entries wait for a reload: one place per entry, so that two tabs do not overwrite each other. */
export interface OutboxShelf {
  read(): OutboxEntry[];
  keep(entry: OutboxEntry): void;
  drop(clientId: string): void;
}

export interface OutboxOptions {
  shelf: OutboxShelf;
  /** One try; resolves with the ack, rejects with a `Problem`. */
  post: (entry: OutboxEntry) => Promise<{ seq: number }>;
  isUp: () => boolean;
  onChange: (entries: readonly OutboxEntry[]) => void;
  now?: () => number;
}

const FIRST_WAIT_MS = 800;
const LONGEST_WAIT_MS = 15_000;
/** Tried for this long while connected, a message counts as failed: a person must be told and may send again. */
const GIVE_UP_AFTER_MS = 120_000;

/** Whether the same message may succeed later without anybody changing it. */
export function isWorthAnotherTry(problem: Problem): boolean {
  if (problem.isOffline || problem.retryAfterS !== null || problem.status >= 500) return true;
  return /^(connection\.|server\.|command\.timeout$|http\.5)/u.test(problem.code);
}

/** 128 random bits, as the server accepts them: letters and figures. */
export function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `c${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export class Outbox {
  private entries: OutboxEntry[];
  private readonly underWay = new Set<string>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly tries = new Map<string, { count: number; sinceMs: number }>();
  private isClosed = false;

  constructor(private readonly options: OutboxOptions) {
    // What a reload interrupted is sent again: its client id makes a repeat harmless.
    this.entries = options.shelf.read().sort((a, b) => a.writtenAt.localeCompare(b.writtenAt));
    this.tell();
  }

  add(entry: Pick<OutboxEntry, "clientId" | "lane" | "type" | "body" | "writtenAt">): void {
    const whole: OutboxEntry = { ...entry, state: "sending", problem: null, seq: null };
    this.entries = [...this.entries, whole];
    this.options.shelf.keep(whole);
    this.tell();
    this.pump(entry.lane);
  }

  /** A person's "send again". */
  retry(clientId: string): void {
    const entry = this.find(clientId);
    if (entry?.state !== "failed") return;
    this.tries.delete(clientId);
    this.change(clientId, { state: "sending", problem: null });
    this.pump(entry.lane);
  }

  /** Give a failed message up; one that is under way cannot be taken back. */
  remove(clientId: string): void {
    if (this.find(clientId)?.state !== "failed") return;
    this.forget(clientId);
  }

  /** The event is in the lane: the message needs no place here any more. */
  arrived(clientIds: readonly string[]): void {
    for (const clientId of clientIds) if (this.find(clientId)) this.forget(clientId);
  }

  /** The connection is back: nobody waits for a timer. */
  wake(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    for (const lane of new Set(this.entries.map((entry) => entry.lane))) this.pump(lane);
  }

  close(): void {
    this.isClosed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private find(clientId: string): OutboxEntry | undefined {
    return this.entries.find((entry) => entry.clientId === clientId);
  }

  private pump(lane: string): void {
    if (this.isClosed || this.underWay.has(lane) || this.timers.has(lane) || !this.options.isUp()) return;
    const next = this.entries.find((entry) => entry.lane === lane && entry.state === "sending");
    if (next) void this.send(next);
  }

  private async send(entry: OutboxEntry): Promise<void> {
    const { clientId, lane } = entry;
    const now = this.options.now ?? Date.now;
    const tried = this.tries.get(clientId) ?? { count: 0, sinceMs: now() };
    this.tries.set(clientId, { ...tried, count: tried.count + 1 });
    this.underWay.add(lane);
    let waitMs = 0;
    try {
      const { seq } = await this.options.post(entry);
      this.tries.delete(clientId);
      this.change(clientId, { state: "saved", problem: null, seq });
      this.options.shelf.drop(clientId);
    } catch (error) {
      const problem = asProblem(error);
      const isOver = now() - tried.sinceMs > GIVE_UP_AFTER_MS;
      const again = isWorthAnotherTry(problem) && !isOver;
      this.change(clientId, { state: again ? "sending" : "failed", problem: { code: problem.code, title: problem.title } });
      if (again) waitMs = this.waitMs(tried.count, problem);
    } finally {
      this.underWay.delete(lane);
    }
    if (this.isClosed) return;
    if (waitMs === 0) return this.pump(lane);
    this.timers.set(
      lane,
      setTimeout(() => {
        this.timers.delete(lane);
        this.pump(lane);
      }, waitMs),
    );
  }

  private waitMs(count: number, problem: Problem): number {
    if (problem.retryAfterS !== null) return problem.retryAfterS * 1000;
    return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** count) * (0.75 + Math.random() * 0.5);
  }

  private change(clientId: string, parts: Partial<OutboxEntry>): void {
    this.entries = this.entries.map((entry) => (entry.clientId === clientId ? { ...entry, ...parts } : entry));
    const entry = this.find(clientId);
    if (entry && entry.state !== "saved") this.options.shelf.keep(entry);
    this.tell();
  }

  private forget(clientId: string): void {
    this.entries = this.entries.filter((entry) => entry.clientId !== clientId);
    this.tries.delete(clientId);
    this.options.shelf.drop(clientId);
    this.tell();
  }

  private tell(): void {
    this.options.onChange(this.entries);
  }
}

/** The browser's own storage, one key per message and person. Private windows without storage lose only the reload. */
export function browserShelf(personId: string): OutboxShelf {
  const prefix = `hs_outbox:${personId}:`;
  const quietly = <T>(work: () => T, otherwise: T): T => {
    try {
      return work();
    } catch {
      return otherwise;
    }
  };
  return {
    read: () =>
      quietly(
        () =>
          Object.keys(localStorage)
            .filter((key) => key.startsWith(prefix))
            .flatMap((key) => quietly(() => [JSON.parse(localStorage.getItem(key) ?? "") as OutboxEntry], [])),
        [],
      ),
    keep: (entry) => quietly(() => localStorage.setItem(prefix + entry.clientId, JSON.stringify(entry)), undefined),
    drop: (clientId) => quietly(() => localStorage.removeItem(prefix + clientId), undefined),
  };
}
