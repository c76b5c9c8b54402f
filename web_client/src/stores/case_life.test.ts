import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CaseSpace } from "@/model/space";
import type { Obligation } from "@/model/reminder";
import type { LaneEvent } from "@/model/types";
import { useCaseLife } from "./case_life";
import { useObligations } from "./obligations";

type Listener = (...given: unknown[]) => void;

/** The far end of the socket: keeps a lane, answers commands as the server does, and may lose what it says. */
const far = vi.hoisted(() => ({
  listeners: new Map<string, Listener[]>(),
  sent: [] as { event: string; body: Record<string, unknown> }[],
  log: [] as unknown[],
  status: "complete",
  isDeaf: false,
}));
vi.mock("socket.io-client", () => ({
  io: () => ({
    on: (event: string, listener: Listener) => far.listeners.set(event, [...(far.listeners.get(event) ?? []), listener]),
    connect: () => hear("connect"),
    disconnect: () => undefined,
    emit: (event: string, body: Record<string, unknown>, ack: Listener) => {
      far.sent.push({ event, body });
      const answer = answerTo(event, body);
      if (answer && !far.isDeaf) ack({ ok: true, ...answer });
    },
  }),
}));

const LANE = "lan_1";
const event = (seq: number, parts: Partial<LaneEvent> = {}): LaneEvent => ({
  lane: LANE,
  seq,
  event_id: `evt_${seq}`,
  type: "text",
  sender: { person_id: "per_other", name: "B", label: "被告" },
  client_id: `other-${seq}`,
  body: { text: String(seq) },
  server_time: "2026-11-22T05:00:00Z",
  prev_hash: `h${seq - 1}`,
  hash: `h${seq}`,
  ...parts,
});
const log = (): LaneEvent[] => far.log as LaneEvent[];
const head = (): number => log().at(-1)?.seq ?? 0;

function hear(name: string, body?: unknown): void {
  for (const listener of far.listeners.get(name) ?? []) listener(body);
}

function answerTo(name: string, body: Record<string, unknown>): Record<string, unknown> | null {
  if (name === "lanes_resume") return { lanes: { [LANE]: { status: far.status, epoch: 1, head_seq: head() } } };
  if (name === "heartbeat") return { heads: { [LANE]: head() } };
  if (name === "lane_pull") return { events: log().filter(({ seq }) => seq > Number(body["after_seq"])).slice(0, 2), head_seq: head() };
  if (name === "message_post") {
    const made = event(head() + 1, { sender: { person_id: "per_me", name: "A", label: "原告" }, client_id: String(body["client_id"]) });
    far.log.push(made);
    return { lane: LANE, seq: made.seq, event_id: made.event_id, hash: made.hash, server_time: made.server_time };
  }
  return name === "receipt_update" ? {} : null;
}

let obligations: Obligation[] = [];
const asked: string[] = [];
function answerHttp(address: string): unknown {
  asked.push(address);
  if (address.includes("socket-tickets")) return { ticket: "t" };
  if (address.includes("/lanes/")) return { items: log().slice(-3), head_seq: head(), epoch: 1 };
  if (address.includes("acknowledgment")) return { ...obligations[0], state: "acknowledged" };
  if (address.includes("obligations")) return { items: obligations };
  return {};
}

const space = (): CaseSpace => ({
  lanes: [
    { lane: LANE, kind: "everyone", title: "", side: null, ground: null, readers: [], closed: false, first_seq: 1, epoch: 1, head_seq: head(), read_seq: 1, delivered_seq: 1 },
  ],
  members: [],
  receipts: { [LANE]: [{ person_id: "per_other", delivered_seq: 2, read_seq: 1 }] },
});
const tick = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const said = (name: string): Record<string, unknown>[] => far.sent.filter((one) => one.event === name).map(({ body }) => body);
const held = (): number[] => (useCaseLife().logs[LANE]?.events ?? []).map(({ seq }) => seq);

async function opened(): Promise<ReturnType<typeof useCaseLife>> {
  const life = useCaseLife();
  life.start("per_me");
  await tick();
  await life.openLanes(space());
  await tick();
  return life;
}

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  localStorage.clear();
  Object.assign(far, { listeners: new Map(), sent: [], log: [1, 2, 3].map((seq) => event(seq)), status: "complete", isDeaf: false });
  obligations = [];
  asked.length = 0;
  vi.stubGlobal("fetch", async (address: string) => new Response(JSON.stringify(answerHttp(address)), { status: 200 }));
});
afterEach(() => {
  useObligations().stop();
  useCaseLife().stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("case life", () => {
  it("begins with the newest page and resumes from there", async () => {
    await opened();
    expect(held()).toEqual([1, 2, 3]);
    expect(said("lanes_resume")).toEqual([{ lanes: { [LANE]: { epoch: 1, last_seq: 3 } } }]);
  });

  it("pulls what was lost on a live connection, page by page, when a later event shows the gap", async () => {
    await opened();
    for (const seq of [4, 5, 6, 7, 8]) far.log.push(event(seq));
    hear("events_appended", { lane: LANE, epoch: 1, events: [event(8)] });
    await tick();
    expect(held()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(said("lane_pull").map((body) => body["after_seq"])).toEqual([3, 5]);
  });

  it("learns from the heartbeat of an event that never came", async () => {
    await opened();
    far.log.push(event(4));
    await tick(10_000);
    expect(held()).toEqual([1, 2, 3, 4]);
  });

  it("reads again from the newest page after a reset", async () => {
    await opened();
    far.log = [1, 2].map((seq) => event(seq, { hash: `n${seq}`, prev_hash: `n${seq - 1}` }));
    far.status = "reset";
    hear("connect");
    await tick();
    expect(held()).toEqual([1, 2]);
    expect(useCaseLife().logs[LANE]?.brokenSeq).toBeNull();
  });

  it("sends a message once and lets its own event replace it", async () => {
    const life = await opened();
    life.send(LANE, "text", { text: "mine" });
    await tick();
    expect(life.entries.map(({ state }) => state)).toEqual(["saved"]);
    hear("events_appended", { lane: LANE, epoch: 1, events: [log().at(-1)] });
    expect(life.entries).toEqual([]);
    expect(said("message_post")).toHaveLength(1);
  });

  it("drops a lane that is closed to this person, with all that was read there", async () => {
    const life = await opened();
    hear("lanes_left", { lanes: [LANE] });
    expect([life.logs, life.receipts]).toEqual([{}, {}]);
    hear("events_appended", { lane: LANE, epoch: 1, events: [event(4)] });
    expect(life.logs).toEqual({});
  });

  it("reports delivery and reading upwards only, and tells each number once", async () => {
    const life = await opened();
    life.read(LANE, 3);
    life.read(LANE, 2);
    await tick(400);
    expect(said("receipt_update")).toEqual([{ lane: LANE, delivered_seq: 3, read_seq: 3 }]);
    life.read(LANE, 3);
    await tick(400);
    expect(said("receipt_update")).toHaveLength(1);
  });

  it("reports again what a lost connection swallowed", async () => {
    const life = await opened();
    await tick(400);
    far.isDeaf = true;
    life.read(LANE, 3);
    await tick(9_000);
    far.isDeaf = false;
    hear("connect");
    await tick();
    expect(said("receipt_update").at(-1)).toEqual({ lane: LANE, read_seq: 3 });
    const told = said("receipt_update").length;
    hear("connect");
    await tick();
    expect(said("receipt_update")).toHaveLength(told);
  });

  it("takes receipts of others upwards only", async () => {
    const life = await opened();
    hear("receipts_updated", { lane: LANE, person_id: "per_other", delivered_seq: 3, read_seq: 3 });
    hear("receipts_updated", { lane: LANE, person_id: "per_other", delivered_seq: 2, read_seq: 1 });
    expect(life.receipts[LANE]?.["per_other"]).toEqual({ person_id: "per_other", delivered_seq: 3, read_seq: 3 });
  });
});

describe("obligations", () => {
  const one = (id: string, issued: string, state: Obligation["state"] = "active"): Obligation => ({
    id,
    ground: "general",
    ground_name: "一般提醒",
    ground_name_en: "General reminder",
    documents: [],
    urgent: false,
    on_behalf_of: [],
    grade: "none",
    opened_at: null,
    ended_at: null,
    cancel_reason: "",
    objection: null,
    later_until: null,
    later_left: 0,
    later_min: 30,
    reminder_id: `rem_${id}`,
    case_id: "cas_1",
    case_number: "（2026）京0101民初1号",
    author: { name: "C", label: "书记员" },
    title: id,
    text: "…",
    text_sha256: "ab",
    due_at: null,
    issued_at: issued,
    person: { id: "per_me", name: "A", label: "原告" },
    state,
    displayed_at: null,
    acknowledged_at: null,
    attempts: [],
  });

  it("queue the oldest first, from the start and from the socket, each once", async () => {
    obligations = [one("b", "2026-11-22T05:02:00Z")];
    await opened();
    const mine = useObligations();
    mine.start();
    await tick();
    hear("obligation_raised", { obligation: one("a", "2026-11-22T05:01:00Z") });
    hear("obligation_raised", { obligation: one("b", "2026-11-22T05:02:00Z", "displayed") });
    expect(mine.open.map(({ id }) => id)).toEqual(["a", "b"]);
    hear("obligation_settled", { obligation_id: "a", state: "cancelled" });
    expect(mine.first?.id).toBe("b");
  });

  it("stay gone once acknowledged, even when an older answer still names them", async () => {
    obligations = [one("a", "2026-11-22T05:01:00Z")];
    const mine = useObligations();
    useCaseLife().start("per_me");
    mine.start();
    await tick();
    expect(await mine.acknowledge(obligations[0] as Obligation)).toBe(true);
    expect(mine.open).toEqual([]);
    await mine.refresh();
    hear("obligation_raised", { obligation: one("a", "2026-11-22T05:01:00Z") });
    expect(mine.open).toEqual([]);
    expect(mine.settled.map(({ id }) => id)).toEqual(["a"]);
  });
});
