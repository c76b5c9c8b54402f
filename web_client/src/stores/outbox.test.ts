import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import { browserShelf, newClientId, Outbox, type OutboxEntry } from "./outbox";

interface Call {
  clientId: string;
  lane: string;
  saved: (seq: number) => Promise<void>;
  refused: (code: string, retryAfterS?: number) => Promise<void>;
}

let calls: Call[];
let shown: readonly OutboxEntry[];
let isUp: boolean;

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

function outbox(): Outbox {
  return new Outbox({
    shelf: browserShelf("per_1"),
    isUp: () => isUp,
    onChange: (entries) => (shown = entries),
    post: ({ clientId, lane }) =>
      new Promise((resolve, reject) => {
        calls.push({
          clientId,
          lane,
          saved: async (seq) => {
            resolve({ seq });
            await settle();
          },
          refused: async (code, retryAfterS) => {
            reject(new Problem(retryAfterS === undefined ? { code, title: "no" } : { code, title: "no", retryAfterS }));
            await settle();
          },
        });
      }),
  });
}
let minute = 0;
const text = (clientId: string, lane = "lan_1") => ({
  clientId,
  lane,
  type: "text" as const,
  body: { text: clientId },
  writtenAt: new Date(Date.UTC(2026, 10, 22, 5, minute++)).toISOString(),
});
const states = (): string[] => shown.map(({ clientId, state }) => `${clientId} ${state}`);
const call = (at: number): Call => {
  const found = calls[at];
  if (!found) throw new Error(`no call ${at}`);
  return found;
};

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  calls = [];
  shown = [];
  isUp = true;
});
afterEach(() => vi.useRealTimers());

describe("outbox", () => {
  it("sends one at a time in each lane, in the order of writing", async () => {
    const box = outbox();
    box.add(text("first"));
    box.add(text("second"));
    box.add(text("other", "lan_2"));
    expect(calls.map(({ clientId }) => clientId)).toEqual(["first", "other"]);
    await call(0).saved(1);
    expect(calls.map(({ clientId }) => clientId)).toEqual(["first", "other", "second"]);
    expect(states()).toEqual(["first saved", "second sending", "other sending"]);
  });

  it("lets a saved message go when its event is in the lane", async () => {
    const box = outbox();
    box.add(text("first"));
    await call(0).saved(1);
    box.arrived(["first", "of-somebody-else"]);
    expect(shown).toEqual([]);
    expect(localStorage).toHaveLength(0);
  });

  it("tries again with the same id after a lost answer, ever more slowly", async () => {
    const box = outbox();
    box.add(text("first"));
    await call(0).refused("network.timeout");
    expect(states()).toEqual(["first sending"]);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(calls.map(({ clientId }) => clientId)).toEqual(["first", "first"]);
    await call(1).refused("server.error");
    await vi.advanceTimersByTimeAsync(1_100);
    expect(calls).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(calls).toHaveLength(3);
    box.close();
  });

  it("waits as long as the server says", async () => {
    outbox().add(text("first"));
    await call(0).refused("message.too_many", 7);
    await vi.advanceTimersByTimeAsync(6_900);
    expect(calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(calls).toHaveLength(2);
  });

  it("fails on a refusal, keeps the message, and goes on with the next", async () => {
    const box = outbox();
    box.add(text("first"));
    box.add(text("second"));
    await call(0).refused("message.too_long");
    expect(states()).toEqual(["first failed", "second sending"]);
    expect(shown[0]?.problem).toEqual({ code: "message.too_long", title: "no" });
    await call(1).saved(1);
    box.retry("first");
    expect(calls.map(({ clientId }) => clientId)).toEqual(["first", "second", "first"]);
    await call(2).refused("message.too_long");
    box.remove("first");
    box.arrived(["second"]);
    expect(shown).toEqual([]);
    expect(localStorage).toHaveLength(0);
  });

  it("says failed after two minutes of trying", async () => {
    const box = outbox();
    box.add(text("first"));
    for (let at = 0; shown[0]?.state === "sending" && at < 40; at += 1) {
      await call(calls.length - 1).refused("network.timeout");
      await vi.advanceTimersByTimeAsync(20_000);
    }
    expect(states()).toEqual(["first failed"]);
    box.close();
  });

  it("waits for the connection, and then does not wait for a timer", async () => {
    isUp = false;
    const box = outbox();
    box.add(text("first"));
    expect(calls).toEqual([]);
    isUp = true;
    box.wake();
    await call(0).refused("network.offline");
    box.wake();
    expect(calls).toHaveLength(2);
    box.close();
  });

  it("survives a reload: what was under way is sent again, what failed stays failed", async () => {
    const before = outbox();
    before.add(text("first"));
    await call(0).refused("case.closed");
    before.add(text("second"));
    before.add(text("third"));
    before.close();
    calls = [];
    const after = outbox();
    expect(states()).toEqual(["first failed", "second sending", "third sending"]);
    after.wake();
    await call(0).saved(1);
    expect(calls.map(({ clientId }) => clientId)).toEqual(["second", "third"]);
    after.close();
  });

  it("keeps nobody else's messages", () => {
    outbox().add(text("first"));
    expect(browserShelf("per_2").read()).toEqual([]);
    expect(browserShelf("per_1").read()).toHaveLength(1);
  });

  it("gives ids the server accepts", () => {
    const ids = new Set(Array.from({ length: 50 }, newClientId));
    expect(ids.size).toBe(50);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{8,64}$/u);
  });
});
