import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { asProblem, Problem } from "@/api/problem";
import { remove } from "@/api/request";
import { readFile } from "@/api/uploads";
import type { FileFacts, FilePurpose } from "@/model/files";
import { idOf, sendByTus, type Sending } from "@/wire/tus_send";
import { useCaseLife } from "./case_life";
import { isWorthAnotherTry, newClientId } from "./outbox";
import { browserUploadShelf, takeShelf, type UploadRow, type UploadShelf } from "./upload_shelf";

/**
 * A file on its way. waiting: behind others or for the line; sending; paused by the person; checking: at the court;
 * ready and refused are the court's words; failed: something to try again; lost: after a reload, choose the file again.
 */
export type UploadPhase = "waiting" | "sending" | "paused" | "checking" | "ready" | "refused" | "failed" | "lost";

export interface UploadItem extends UploadRow {
  phase: UploadPhase;
  sentBytes: number;
  attachmentId: string | null;
  facts: FileFacts | null;
  problem: Problem | null;
  /** Whether a reload finds the bytes again. */
  isKept: boolean;
}

export interface UploadPlace {
  caseId: string;
  purpose: FilePurpose;
  context: string;
}

/** Two at a time fill a phone's line; more only make each of them slower. */
const AT_ONCE = 2;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** Asked again as long as the court checks; the socket usually says it sooner. */
const ASK_EVERY_MS = 3_000;

export const useUploads = defineStore("uploads", () => {
  const items = shallowRef<readonly UploadItem[]>([]);
  const language = ref("zh-CN");
  const isBusy = computed(() => items.value.some((one) => one.phase === "sending" || one.phase === "waiting"));
  const files = new Map<string, File>();
  const sendings = new Map<string, Sending>();
  const tries = new Map<string, number>();
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const waiters = new Map<string, { resolve: (facts: FileFacts) => void; reject: (problem: Problem) => void }[]>();
  let shelf: Promise<UploadShelf> | null = null;
  let person = "";
  let ends: (() => void)[] = [];

  const find = (key: string): UploadItem | undefined => items.value.find((one) => one.key === key);
  const of = (caseId: string, context: string): readonly UploadItem[] => items.value.filter((one) => one.caseId === caseId && one.context === context);

  /** Signed in: what a reload interrupted goes on. */
  async function start(me: string): Promise<void> {
    if (person === me) return;
    stop();
    person = me;
    shelf ??= browserUploadShelf();
    listen();
    const letGo = await takeShelf(me);
    if (letGo === null || person !== me) return letGo?.();
    ends.push(letGo);
    const kept = await (await shelf).read(me);
    if (person !== me) return;
    for (const { row, file } of kept) {
      if (find(row.key)) continue;
      if (file) files.set(row.key, file);
      const phase: UploadPhase = row.isSent ? "checking" : file === null ? "lost" : row.isPaused ? "paused" : "waiting";
      items.value = [...items.value, { ...row, phase, sentBytes: row.isSent ? row.sizeBytes : 0, attachmentId: row.address ? idOf(row.address) : null, facts: null, problem: null, isKept: file !== null }];
      if (row.isSent) void watch(row.key);
    }
    next();
  }

  function listen(): void {
    const wake = (): void => (document.visibilityState === "visible" ? next(true) : undefined);
    addEventListener("online", wake);
    document.addEventListener("visibilitychange", wake);
    const end = useCaseLife().onEvent("attachment_updated", ({ attachment }) => told(attachment));
    ends = [() => removeEventListener("online", wake), () => document.removeEventListener("visibilitychange", wake), end];
  }

  function stop(): void {
    for (const end of ends.splice(0)) end();
    for (const sending of sendings.values()) sending.stop();
    for (const timer of timers.values()) clearTimeout(timer);
    for (const map of [files, sendings, tries, timers, waiters]) map.clear();
    items.value = [];
    person = "";
  }

  /** Chosen files go on their way, one row each; their keys in the order given. */
  function add(chosen: readonly File[], place: UploadPlace): string[] {
    return chosen.map((file) => {
      const row: UploadRow = { ...place, key: newClientId(), person, name: file.name, type: file.type, sizeBytes: file.size, lastModified: file.lastModified, address: null, isPaused: false, isSent: false, addedAt: Date.now() };
      files.set(row.key, file);
      items.value = [...items.value, { ...row, phase: "waiting", sentBytes: 0, attachmentId: null, facts: null, problem: null, isKept: false }];
      shelf ??= browserUploadShelf();
      void shelf.then(async (kept) => change(row.key, { isKept: await kept.keep(row, file) }));
      next();
      return row.key;
    });
  }

  /** The file once it is ready; rejects when it was refused or given up. */
  function done(key: string): Promise<FileFacts> {
    const one = find(key);
    if (one?.phase === "ready" && one.facts) return Promise.resolve(one.facts);
    if (one?.phase === "refused") return Promise.reject(refusal(one.facts));
    return new Promise((resolve, reject) => waiters.set(key, [...(waiters.get(key) ?? []), { resolve, reject }]));
  }

  function pause(key: string): void {
    if (!["waiting", "sending", "failed"].includes(find(key)?.phase ?? "")) return;
    halt(key);
    change(key, { phase: "paused", isPaused: true });
    next();
  }

  function resume(key: string): void {
    if (!["paused", "failed"].includes(find(key)?.phase ?? "")) return;
    tries.delete(key);
    change(key, { phase: "waiting", isPaused: false, problem: null });
    next();
  }

  /** After a reload that lost the bytes: the same file again goes on where it was, another one is a new upload. */
  function choose(key: string, file: File): void {
    const one = find(key);
    if (one?.phase !== "lost") return;
    const isSame = file.size === one.sizeBytes && file.name === one.name && file.lastModified === one.lastModified;
    files.set(key, file);
    change(key, { phase: "waiting", ...(isSame ? {} : { address: null, attachmentId: null, name: file.name, type: file.type, sizeBytes: file.size, lastModified: file.lastModified, sentBytes: 0 }) });
    next();
  }

  /** Out of the list; what is not finished is given up at the court as well. */
  function drop(key: string): void {
    const one = find(key);
    if (!one) return;
    halt(key);
    if (one.attachmentId && !one.isSent) void remove(`/uploads/${one.attachmentId}`, { headers: { "Tus-Resumable": "1.0.0" } }).catch(() => undefined);
    for (const waiter of waiters.get(key) ?? []) waiter.reject(new Problem({ code: "upload.given_up", title: "" }));
    waiters.delete(key);
    files.delete(key);
    items.value = items.value.filter((each) => each.key !== key);
    void shelf?.then((kept) => kept.drop(key));
    next();
  }

  function halt(key: string): void {
    sendings.get(key)?.stop();
    sendings.delete(key);
    clearTimeout(timers.get(key));
    timers.delete(key);
  }

  /** Begin what may begin; `isWoken`: the line is back, nobody waits for a timer. */
  function next(isWoken = false): void {
    if (isWoken) {
      for (const key of [...timers.keys()]) {
        if (find(key)?.phase !== "waiting") continue;
        clearTimeout(timers.get(key));
        timers.delete(key);
      }
    }
    for (const one of items.value) {
      if (sendings.size >= AT_ONCE) return;
      if (one.phase === "waiting" && !timers.has(one.key) && !sendings.has(one.key)) void send(one);
    }
  }

  async function send(one: UploadItem): Promise<void> {
    const { key, caseId, purpose, address } = one;
    const file = files.get(key);
    if (!file) return change(key, { phase: "lost" });
    const sending = sendByTus({
      file, caseId, purpose, address, language: language.value,
      onAddress: (known) => change(key, { address: known, attachmentId: idOf(known) }, true),
      onProgress: (sentBytes) => (tries.delete(key), change(key, { sentBytes, problem: null })),
    });
    sendings.set(key, sending);
    change(key, { phase: "sending" });
    try {
      const known = await sending.done;
      if (sendings.get(key) !== sending) return;
      sendings.delete(key);
      change(key, { phase: "checking", isSent: true, sentBytes: one.sizeBytes, attachmentId: idOf(known) }, true);
      void watch(key);
    } catch (error) {
      if (sendings.get(key) !== sending) return;
      sendings.delete(key);
      failed(key, asProblem(error));
    }
    next();
  }

  function failed(key: string, problem: Problem): void {
    // Another connection of ours may still hold it, or it moved on there: both are asked again at once.
    const again = isWorthAnotherTry(problem) || problem.status === 423 || problem.status === 409;
    if (!again) return change(key, { phase: "failed", problem });
    const count = (tries.get(key) ?? 0) + 1;
    tries.set(key, count);
    const waitMs = problem.retryAfterS === null ? Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - 1)) * (0.75 + Math.random() * 0.5) : problem.retryAfterS * 1000;
    change(key, { phase: "waiting", problem });
    timers.set(key, setTimeout(() => (timers.delete(key), next()), waitMs));
  }

  /** Ask until the court has decided. */
  async function watch(key: string): Promise<void> {
    const id = find(key)?.attachmentId;
    if (!id || find(key)?.phase !== "checking") return;
    try {
      told(await readFile(id));
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 404) return change(key, { phase: "failed", problem });
    }
    if (find(key)?.phase === "checking") timers.set(key, setTimeout(() => (timers.delete(key), void watch(key)), ASK_EVERY_MS));
  }

  function told(facts: FileFacts): void {
    const one = items.value.find((each) => each.attachmentId === facts.id);
    if (!one || !one.isSent) return;
    if (facts.state === "ready" || facts.state === "refused") {
      clearTimeout(timers.get(one.key));
      timers.delete(one.key);
      // The row stays on the shelf until somebody has made use of it: a reload in between loses nothing.
      change(one.key, { facts, phase: facts.state });
      files.delete(one.key);
      for (const waiter of waiters.get(one.key) ?? []) facts.state === "ready" ? waiter.resolve(facts) : waiter.reject(refusal(facts));
      waiters.delete(one.key);
    } else change(one.key, { facts });
  }

  function change(key: string, parts: Partial<UploadItem>, isForTheShelf = "isPaused" in parts): void {
    items.value = items.value.map((one) => (one.key === key ? { ...one, ...parts } : one));
    const one = find(key);
    if (!one || !isForTheShelf) return;
    const { phase: _p, sentBytes: _s, attachmentId: _a, facts: _f, problem: _q, isKept: _k, ...row } = one;
    void shelf?.then((kept) => kept.change(row));
  }

  const fileOf = (key: string): File | undefined => files.get(key);

  return { items, language, isBusy, of, fileOf, start, stop, add, done, pause, resume, choose, drop };
});

function refusal(facts: FileFacts | null): Problem {
  return new Problem({ code: `attachment.${facts?.reason ?? "unreadable"}`, title: "" });
}
