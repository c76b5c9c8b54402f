import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { readMe } from "@/api/session";
import { readLane } from "@/api/space";
import type { CaseSpace, MessageType, Receipt } from "@/model/space";
import type { LaneEvent } from "@/model/types";
import { type CaseEvents, CaseLink } from "@/wire/case_link";
import type { LinkState } from "@/wire/socket";
import { applyEvents, hasOlder, isBehind, type LaneLog, logFromPage, prependEvents, raiseHead } from "./lane_log";
import { type NewEntry, newClientId, Outbox, type OutboxEntry } from "./outbox";
import { browserShelf } from "./outbox_shelf";
import { ReceiptSender } from "./receipt_sender";
import { dropLanes, mergeReceipt, type SpaceState } from "./space_state";
import { TabLeader } from "./tab_leader";

/** What pages hear of beside the lanes. */
const HEARD = ["obligation_raised", "obligation_settled", "contact_changed", "exhibit_updated", "attachment_updated"] as const;
/** One screen of a desk and two of a phone; older ones come when scrolled to. */
const PAGE_EVENTS = 50;

/**
 * What goes on in the person's cases, live: the lanes opened on this page, receipts, messages on their way.
 * One socket serves every page; it lives from sign-in to sign-out.
 */
export const useCaseLife = defineStore("case_life", () => {
  const linkState = ref<LinkState>("idle");
  const logs = shallowRef<Record<string, LaneLog>>({});
  const receipts = shallowRef<SpaceState["receipts"]>({});
  const entries = shallowRef<readonly OutboxEntry[]>([]);
  /** How often each case was said to have changed: pages read it again. */
  const changes = shallowRef<Record<string, number>>({});
  const isUp = computed(() => linkState.value === "connected");

  let personId = "";
  let link: CaseLink | null = null;
  let outbox: Outbox | null = null;
  let leader: TabLeader | null = null;
  /** Written while the storage was still being opened. */
  let early: NewEntry[] = [];
  let reports: ReceiptSender | null = null;
  const pulling = new Set<string>();
  const upListeners = new Set<() => void>();
  const eventListeners = new Map<string, Set<(body: never) => void>>();

  function start(person: string): void {
    if (link !== null && personId === person) return;
    if (link !== null) stop();
    personId = person;
    const made = new CaseLink({ onUp: up, onState: (state) => (linkState.value = state), onHeads: heads });
    link = made;
    void openOutbox(person, made);
    reports = new ReceiptSender((report) => made.receipt(report));
    listen(made);
    made.open();
  }

  async function openOutbox(person: string, made: CaseLink): Promise<void> {
    const shelf = await browserShelf(person);
    if (link !== made) return;
    const box = new Outbox({
      shelf,
      isUp: () => made.isUp,
      onChange: (now) => (entries.value = now),
      onTell: (said) => tabs.say(said),
      post: ({ lane, clientId, type, body }) => made.post({ lane, client_id: clientId, type, body }),
    });
    const tabs = new TabLeader({
      name: `hearing_outbox:${person}`,
      onLead: (isLeading) => box.lead(isLeading),
      onSaid: (said) => (said.kind === "saved" ? box.savedElsewhere(said.clientId, said.seq) : void box.reload()),
      isAble: () => made.isUp,
    });
    outbox = box;
    leader = tabs;
    await box.open();
    if (link !== made) return;
    for (const entry of early.splice(0)) box.add(entry);
    tabs.start();
    settleAll();
  }

  function listen(made: CaseLink): void {
    made.on("events_appended", ({ lane, epoch, events }) => {
      const log = logs.value[lane];
      if (!log) return;
      if (log.epoch !== epoch) void readAgain(lane);
      else take(lane, events);
    });
    made.on("heads_moved", (body) => heads(body.heads));
    made.on("lanes_left", ({ lanes }) => leave(lanes));
    made.on("receipts_updated", ({ lane, ...receipt }) => noteReceipt(lane, receipt));
    made.on("case_changed", ({ case_id: id }) => (changes.value = { ...changes.value, [id]: (changes.value[id] ?? 0) + 1 }));
    made.on("session_ended", () => {
      made.close();
      // A 401 signs this page out. Still signed in, it was one device too many: back when somebody looks at it.
      const back = (): void => {
        if (document.visibilityState === "visible" && link === made) made.open();
      };
      void readMe().then(
        () => document.addEventListener("visibilitychange", back, { once: true }),
        () => undefined,
      );
    });
    for (const event of HEARD) {
      made.on(event, (body) => {
        for (const listener of eventListeners.get(event) ?? []) listener(body as never);
      });
    }
  }

  function stop(): void {
    link?.close();
    outbox?.close();
    leader?.close();
    reports?.close();
    link = outbox = leader = reports = null;
    early = [];
    logs.value = {};
    receipts.value = {};
    entries.value = [];
  }

  const keep = (log: LaneLog): void => {
    if (logs.value[log.lane] !== log) logs.value = { ...logs.value, [log.lane]: log };
  };

  /** Open a case's lanes: the newest page of each, then live from there. */
  async function openLanes(space: CaseSpace): Promise<void> {
    for (const { lane, delivered_seq: delivered, read_seq: read } of space.lanes) {
      reports?.known(lane, { delivered, read });
      const byPerson = Object.fromEntries((space.receipts[lane] ?? []).map((one) => [one.person_id, one]));
      receipts.value = { ...receipts.value, [lane]: byPerson };
    }
    await Promise.all(space.lanes.map(({ lane, epoch }) => (logs.value[lane]?.epoch === epoch ? undefined : readAgain(lane))));
    await resume(space.lanes.map(({ lane }) => lane));
  }

  /** Closed to us: nothing that was read there stays on this page. */
  function leave(lanes: readonly string[]): void {
    const left = dropLanes({ logs: logs.value, receipts: receipts.value }, lanes);
    logs.value = { ...left.logs };
    receipts.value = { ...left.receipts };
  }

  async function readAgain(lane: string): Promise<void> {
    keep(logFromPage(lane, await readLane(lane, { before: Number.MAX_SAFE_INTEGER, limit: PAGE_EVENTS })));
    settle(lane);
  }

  async function readOlder(lane: string): Promise<void> {
    const log = logs.value[lane];
    if (!log || !hasOlder(log)) return;
    const page = await readLane(lane, { before: log.floorSeq + 1, limit: PAGE_EVENTS });
    const now = logs.value[lane];
    if (now) keep(prependEvents(now, page.items));
  }

  function up(): void {
    void resume(Object.keys(logs.value)).finally(() => {
      outbox?.wake();
      if (outbox?.isWaiting) leader?.need();
    });
    void reports?.flush();
    for (const listener of upListeners) listener();
  }

  async function resume(lanes: string[]): Promise<void> {
    const asked = lanes.flatMap((lane) => logs.value[lane] ?? []);
    if (!link?.isUp || asked.length === 0) return;
    const positions = Object.fromEntries(asked.map((log) => [log.lane, { epoch: log.epoch, last_seq: log.lastSeq }]));
    try {
      for (const [lane, answer] of Object.entries(await link.resume(positions))) {
        const log = logs.value[lane];
        if (!log) continue;
        if (answer.status === "reset") await readAgain(lane);
        else keep(raiseHead(log, answer.head_seq));
        if (answer.status === "more") void pull(lane);
      }
    } catch {
      // The next connection or beat finds what is missing.
    }
  }

  function take(lane: string, events: readonly LaneEvent[]): void {
    const log = logs.value[lane];
    if (!log) return;
    keep(applyEvents(log, events));
    settle(lane);
    if (logs.value[lane] && isBehind(logs.value[lane])) void pull(lane);
  }

  /** After events came: what arrived of our own, and how far we have received. */
  function settle(lane: string): void {
    const log = logs.value[lane];
    if (!log) return;
    outbox?.arrived(log.events.flatMap(({ client_id: id, sender }) => (id !== null && sender?.person_id === personId ? [id] : [])));
    if (log.lastSeq > 0) reports?.delivered(lane, log.lastSeq);
  }

  const settleAll = (): void => Object.keys(logs.value).forEach(settle);

  function heads(named: Record<string, number>): void {
    // With every beat: what waits must not wait for a tab that has fallen asleep since.
    if (outbox?.isWaiting) leader?.need();
    for (const [lane, head] of Object.entries(named)) {
      const log = logs.value[lane];
      if (!log) continue;
      keep(raiseHead(log, head));
      if (head > log.lastSeq) void pull(lane);
    }
  }

  async function pull(lane: string): Promise<void> {
    if (pulling.has(lane)) return;
    pulling.add(lane);
    try {
      for (let log = logs.value[lane]; log && isBehind(log) && link?.isUp; log = logs.value[lane]) {
        const { events, head_seq: head } = await link.pull(lane, log.lastSeq);
        keep(raiseHead(applyEvents(logs.value[lane] ?? log, events), head));
        settle(lane);
        if (logs.value[lane]?.lastSeq === log.lastSeq) break; // Nothing came of it: the next beat asks again.
      }
    } catch {
      // As above.
    } finally {
      pulling.delete(lane);
    }
  }

  function noteReceipt(lane: string, next: Receipt): void {
    receipts.value = mergeReceipt(receipts.value, lane, next);
  }

  function read(lane: string, seq: number): void {
    reports?.read(lane, seq);
    noteReceipt(lane, { person_id: personId, delivered_seq: seq, read_seq: seq });
  }

  /** `waitsFor`: the upload without which it cannot go; `ready` or `fail` tells how that ended. */
  function send(lane: string, type: MessageType, body: object, clientId = newClientId(), waitsFor: string | null = null): void {
    const entry = { clientId, lane, type, body: { ...body }, writtenAt: new Date().toISOString(), waitsFor };
    if (outbox === null) early = [...early, entry];
    else outbox.add(entry);
    leader?.need();
  }

  /** Hear each connection; returns the way to stop. */
  function onUp(listener: () => void): () => void {
    upListeners.add(listener);
    return () => upListeners.delete(listener);
  }
  function onEvent<E extends (typeof HEARD)[number]>(event: E, listener: (body: CaseEvents[E]) => void): () => void {
    const listeners = eventListeners.get(event) ?? new Set();
    listeners.add(listener);
    eventListeners.set(event, listeners);
    return () => listeners.delete(listener);
  }

  return {
    linkState,
    isUp,
    logs,
    receipts,
    entries,
    changes,
    start,
    stop,
    openLanes,
    readOlder,
    read,
    send,
    retry: (clientId: string): void => {
      outbox?.retry(clientId);
      leader?.need();
    },
    ready: (clientId: string, body: Record<string, unknown>): void => outbox?.ready(clientId, body),
    fail: (clientId: string, why: { code: string; title: string }): void => outbox?.fail(clientId, why),
    remove: (clientId: string): OutboxEntry | null => outbox?.remove(clientId) ?? null,
    onUp,
    onEvent,
  };
});
