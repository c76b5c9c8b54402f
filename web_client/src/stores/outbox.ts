/**
 * Messages on their way. Each has a client id the server keeps for ever, so that sending again is harmless; each is
 * sending, saved or failed, and nothing else. They survive a reload and a killed browser; one per lane is under way at a
 * time, in the order of writing; of several tabs one sends. A message whose file is still on its way waits for it and
 * keeps nobody behind it waiting.
 */

import { asProblem, type Problem } from "@/api/problem";
import type { MessageType } from "@/model/space";
import type { OutboxShelf } from "./outbox_shelf";

export interface OutboxEntry {
  clientId: string;
  lane: string;
  type: MessageType;
  body: Record<string, unknown>;
  writtenAt: string;
  /** Rises with every message this browser writes: times may be equal, and clocks step. */
  order: number;
  state: "sending" | "saved" | "failed";
  /** Why it failed, or why the last try did not succeed. */
  problem: { code: string; title: string } | null;
  /** Given by the server with the ack; the event itself follows. */
  seq: number | null;
  /** The upload it waits for; null when it may go. */
  waitsFor: string | null;
}
export type NewEntry = Pick<OutboxEntry, "clientId" | "lane" | "type" | "body" | "writtenAt"> & { waitsFor?: string | null };

export interface OutboxOptions {
  shelf: OutboxShelf;
  /** One try; resolves with the ack, rejects with a `Problem`. */
  post: (entry: OutboxEntry) => Promise<{ seq: number }>;
  isUp: () => boolean;
  onChange: (entries: readonly OutboxEntry[]) => void;
  /** The shelf has changed, or a message is saved: for the person's other tabs. */
  onTell?: (said: { kind: "changed" } | { kind: "saved"; clientId: string; seq: number }) => void;
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
  private entries: OutboxEntry[] = [];
  private readonly underWay = new Set<string>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly tries = new Map<string, { count: number; sinceMs: number }>();
  /** Taken back or arrived here: a row that another tab still shows must not bring them back. */
  private readonly gone = new Set<string>();
  private isLeading = false;
  private isClosed = false;

  constructor(private readonly options: OutboxOptions) {}

  /** What a reload interrupted is sent again: its client id makes a repeat harmless. */
  async open(): Promise<void> {
    await this.reload();
  }

  /** Whether this tab is the one that sends. */
  lead(isLeading: boolean): void {
    this.isLeading = isLeading;
    if (isLeading) void this.reload().then(() => this.wake());
    else this.clearTimers();
  }

  add(entry: NewEntry): void {
    const now = this.options.now ?? Date.now;
    const order = Math.max(now() * 1000, ...this.entries.map((one) => one.order + 1));
    const whole: OutboxEntry = { waitsFor: null, ...entry, order, state: "sending", problem: null, seq: null };
    this.entries = [...this.entries, whole];
    void this.keep(whole);
    this.show();
    this.pump(entry.lane);
  }

  /** Its file is on the server: the body is complete and the message may go. */
  ready(clientId: string, body: Record<string, unknown>): void {
    const entry = this.find(clientId);
    if (entry?.state !== "sending") return;
    this.change(clientId, { body, waitsFor: null });
    this.pump(entry.lane);
  }

  /** Its file did not make it. */
  fail(clientId: string, problem: { code: string; title: string }): void {
    if (this.find(clientId)?.state === "sending") this.change(clientId, { state: "failed", problem });
  }

  /** A person's "send again". */
  retry(clientId: string): void {
    const entry = this.find(clientId);
    if (entry?.state !== "failed") return;
    this.tries.delete(clientId);
    this.change(clientId, { state: "sending", problem: null });
    this.pump(entry.lane);
  }

  /** Give a failed message up, or one that waits for its file; one that may be under way cannot be taken back. */
  remove(clientId: string): OutboxEntry | null {
    const entry = this.find(clientId);
    if (!entry || (entry.state !== "failed" && entry.waitsFor === null)) return null;
    this.forget(clientId);
    return entry;
  }

  /** The event is in the lane: the message needs no place here any more. */
  arrived(clientIds: readonly string[]): void {
    for (const clientId of clientIds) if (this.find(clientId)) this.forget(clientId);
  }

  /** Another tab says that the sender has an ack for this one: its event is on its way here too. */
  savedElsewhere(clientId: string, seq: number): void {
    const entry = this.find(clientId);
    if (entry && entry.state !== "saved") this.put({ ...entry, state: "saved", problem: null, seq });
  }

  /** The connection is back: nobody waits for a timer, and what was tried before counts no more. */
  wake(): void {
    this.clearTimers();
    this.tries.clear();
    for (const lane of new Set(this.entries.map((entry) => entry.lane))) this.pump(lane);
  }

  /** Another tab has written on the shelf. */
  async reload(): Promise<void> {
    const rows = await this.options.shelf.read();
    if (this.isClosed) return;
    const kept = new Map(rows.filter(({ clientId }) => !this.gone.has(clientId)).map((row) => [row.clientId, row]));
    for (const own of this.entries) {
      // Saved ones have left the shelf and wait for their event; one that is just being tried here is newer than its row.
      const isNewer = own.state === "saved" || this.tries.has(own.clientId);
      if (isNewer || (this.writing.has(own.clientId) && !kept.has(own.clientId))) kept.set(own.clientId, own);
    }
    this.entries = [...kept.values()].sort((a, b) => a.order - b.order);
    this.show();
    for (const lane of new Set(this.entries.map((entry) => entry.lane))) this.pump(lane);
  }

  /** Whether anything is still to be sent. */
  get isWaiting(): boolean {
    return this.entries.some((entry) => entry.state === "sending" && entry.waitsFor === null);
  }

  close(): void {
    this.isClosed = true;
    this.clearTimers();
  }

  private readonly writing = new Set<string>();

  private find(clientId: string): OutboxEntry | undefined {
    return this.entries.find((entry) => entry.clientId === clientId);
  }

  private pump(lane: string): void {
    if (this.isClosed || !this.isLeading || this.underWay.has(lane) || this.timers.has(lane) || !this.options.isUp()) return;
    const next = this.entries.find((entry) => entry.lane === lane && entry.state === "sending" && entry.waitsFor === null);
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
      this.saved(clientId, seq);
    } catch (error) {
      waitMs = this.refused(clientId, tried, asProblem(error));
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

  private saved(clientId: string, seq: number): void {
    const entry = this.find(clientId);
    if (entry) this.put({ ...entry, state: "saved", problem: null, seq });
    void this.drop(clientId, { kind: "saved", clientId, seq });
  }

  /** How long to wait before the next try; 0 when there is none. */
  private refused(clientId: string, tried: { count: number; sinceMs: number }, problem: Problem): number {
    const isOver = (this.options.now ?? Date.now)() - tried.sinceMs > GIVE_UP_AFTER_MS;
    const again = isWorthAnotherTry(problem) && !isOver;
    if (!again) this.tries.delete(clientId);
    this.change(clientId, { state: again ? "sending" : "failed", problem: { code: problem.code, title: problem.title } });
    return again ? this.waitMs(tried.count, problem) : 0;
  }

  private waitMs(count: number, problem: Problem): number {
    if (problem.retryAfterS !== null) return problem.retryAfterS * 1000;
    return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** count) * (0.75 + Math.random() * 0.5);
  }

  private change(clientId: string, parts: Partial<OutboxEntry>): void {
    const entry = this.find(clientId);
    if (!entry) return;
    const changed = { ...entry, ...parts };
    this.put(changed);
    void this.keep(changed);
  }

  private put(entry: OutboxEntry): void {
    this.entries = this.entries.map((one) => (one.clientId === entry.clientId ? entry : one));
    this.show();
  }

  private forget(clientId: string): void {
    this.entries = this.entries.filter((entry) => entry.clientId !== clientId);
    this.tries.delete(clientId);
    void this.drop(clientId, { kind: "changed" });
    this.show();
  }

  private async keep(entry: OutboxEntry): Promise<void> {
    this.writing.add(entry.clientId);
    await this.options.shelf.keep(entry);
    this.writing.delete(entry.clientId);
    this.options.onTell?.({ kind: "changed" });
  }

  private async drop(clientId: string, said: { kind: "changed" } | { kind: "saved"; clientId: string; seq: number }): Promise<void> {
    this.gone.add(clientId);
    await this.options.shelf.drop(clientId);
    this.options.onTell?.(said);
  }

  private clearTimers(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private show(): void {
    this.options.onChange(this.entries);
  }
}
