import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import { newClientId, Outbox, type OutboxEntry } from "./outbox";
import { memoryShelf, type OutboxShelf } from "./outbox_shelf";

interface Call {
  clientId: string;
  lane: string;
  saved: (seq: number) => Promise<void>;
  refused: (code: string, retryAfterS?: number) => Promise<void>;
}

let calls: Call[];
let shown: readonly OutboxEntry[];
let isUp: boolean;
let shelf: OutboxShelf;

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

type Said = Parameters<NonNullable<ConstructorParameters<typeof Outbox>[0]["onTell"]>>[0];

/** A tab: opened, and the one that sends unless told otherwise. */
async function outbox(isLeading = true, onTell?: (said: Said) => void): Promise<Outbox> {
  const box = new Outbox({
    shelf,
    ...(onTell ? { onTell } : {}),
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
  await box.open();
  box.lead(isLeading);
  await settle();
  return box;
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
  shelf = memoryShelf();
  calls = [];
  shown = [];
  isUp = true;
});
afterEach(() => vi.useRealTimers());

describe("outbox", () => {
  it("sends one at a time in each lane, in the order of writing", async () => {
    const box = await outbox();
    box.add(text("first"));
    box.add(text("second"));
    box.add(text("other", "lan_2"));
    expect(calls.map(({ clientId }) => clientId)).toEqual(["first", "other"]);
    await call(0).saved(1);
    expect(calls.map(({ clientId }) => clientId)).toEqual(["first", "other", "second"]);
    expect(states()).toEqual(["first saved", "second sending", "other sending"]);
  });

  it("lets a saved message go when its event is in the lane", async () => {
    const box = await outbox();
    box.add(text("first"));
    await call(0).saved(1);
    box.arrived(["first", "of-somebody-else"]);
    expect(shown).toEqual([]);
    expect(await shelf.read()).toEqual([]);
  });

  it("tries again with the same id after a lost answer, ever more slowly", async () => {
    const box = await outbox();
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
    (await outbox()).add(text("first"));
    await call(0).refused("message.too_many", 7);
    await vi.advanceTimersByTimeAsync(6_900);
    expect(calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(calls).toHaveLength(2);
  });

  it("fails on a refusal, keeps the message, and goes on with the next", async () => {
    const box = await outbox();
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
    expect(await shelf.read()).toEqual([]);
  });

  it("says failed after two minutes of trying", async () => {
    const box = await outbox();
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
    const box = await outbox();
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
    const before = await outbox();
    before.add(text("first"));
    await call(0).refused("case.closed");
    before.add(text("second"));
    before.add(text("third"));
    before.close();
    calls = [];
    const after = await outbox();
    expect(states()).toEqual(["first failed", "second sending", "third sending"]);
    after.wake();
    await call(0).saved(1);
    expect(calls.map(({ clientId }) => clientId)).toEqual(["second", "third"]);
    after.close();
  });

  it("keeps the order of writing when times are equal and the clock steps back", async () => {
    isUp = false;
    const box = await outbox();
    vi.setSystemTime(1_000_000);
    box.add(text("first"));
    box.add(text("second"));
    vi.setSystemTime(500_000);
    box.add(text("third"));
    box.close();
    isUp = true;
    const after = await outbox();
    expect(shown.map(({ clientId }) => clientId)).toEqual(["first", "second", "third"]);
    after.close();
  });

  it("lets what waits for its file keep nobody behind it waiting, and sends it when the file is there", async () => {
    const box = await outbox();
    box.add({ ...text("photo"), waitsFor: "upl_1" });
    box.add(text("words"));
    expect(calls.map(({ clientId }) => clientId)).toEqual(["words"]);
    await call(0).saved(1);
    box.close();
    calls = [];
    const after = await outbox();
    expect([states(), calls]).toEqual([["photo sending"], []]);
    after.ready("photo", { attachment_id: "att_1" });
    expect(calls.map(({ clientId }) => clientId)).toEqual(["photo"]);
    after.close();
  });

  it("fails with the file, says why, and gives the words back", async () => {
    const box = await outbox();
    box.add({ ...text("photo"), waitsFor: "upl_1" });
    box.fail("photo", { code: "attachment.refused", title: "no" });
    expect([states(), shown[0]?.problem?.code]).toEqual([["photo failed"], "attachment.refused"]);
    expect(box.remove("photo")?.body).toEqual({ text: "photo" });
    expect([shown, await shelf.read()]).toEqual([[], []]);
  });

  it("cannot be taken back while it may be under way", async () => {
    const box = await outbox();
    box.add(text("first"));
    expect(box.remove("first")).toBeNull();
    expect(states()).toEqual(["first sending"]);
    box.close();
  });

  it("sends from one tab alone, and from the next when that one goes", async () => {
    const leader = await outbox();
    const follower = await outbox(false, (said) => said.kind === "changed" && void leader.reload());
    follower.add(text("first"));
    await settle();
    expect(calls.map(({ clientId }) => clientId)).toEqual(["first"]);
    leader.close();
    follower.lead(true);
    await settle();
    expect(calls.map(({ clientId }) => clientId)).toEqual(["first", "first"]);
    await call(1).saved(4);
    expect(states()).toEqual(["first saved"]);
    follower.close();
  });

  it("shows as saved what another tab has sent, and does not bring back what is gone", async () => {
    const told: Said[] = [];
    const leader = await outbox(true, (said) => told.push(said));
    leader.add(text("first"));
    await settle();
    const follower = await outbox(false);
    expect(states()).toEqual(["first sending"]);
    follower.savedElsewhere("first", 9);
    expect([states(), shown[0]?.seq]).toEqual([["first saved"], 9]);
    follower.arrived(["first"]);
    await follower.reload();
    expect(shown).toEqual([]);
    await call(0).saved(9);
    expect(told.at(-1)).toEqual({ kind: "saved", clientId: "first", seq: 9 });
    leader.close();
  });

  it("gives ids the server accepts", () => {
    const ids = new Set(Array.from({ length: 50 }, newClientId));
    expect(ids.size).toBe(50);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{8,64}$/u);
  });
});
