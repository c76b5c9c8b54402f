import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CaseLink } from "./case_link";
import type { LinkState, WireSocket } from "./socket";

type Listener = (...given: unknown[]) => void;

/** A socket whose far end is the test. */
class FarSocket {
  auth: unknown = null;
  connects = 0;
  sent: { event: string; body: unknown; ack: Listener }[] = [];
  private readonly listeners = new Map<string, Listener[]>();
  on(event: string, listener: Listener): this {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
    return this;
  }
  emit(event: string, body: unknown, ack: Listener): this {
    this.sent.push({ event, body, ack });
    return this;
  }
  connect(): this {
    this.connects += 1;
    return this;
  }
  disconnect(): this {
    return this;
  }
  hear(event: string, ...given: unknown[]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(...given);
  }
}

let far: FarSocket;
let ups: number;
let heads: Record<string, number>[];
let states: LinkState[];
let link: CaseLink;

beforeEach(async () => {
  vi.useFakeTimers();
  far = new FarSocket();
  ups = 0;
  heads = [];
  states = [];
  link = new CaseLink(
    { onUp: () => (ups += 1), onState: (state) => states.push(state), onHeads: (named) => heads.push(named) },
    { askTicket: async () => "ticket", makeSocket: () => far as unknown as WireSocket },
  );
  link.open();
  await vi.advanceTimersByTimeAsync(0);
  far.hear("connect");
});
afterEach(() => {
  link.close();
  vi.useRealTimers();
});

describe("case link", () => {
  it("beats every 10 s and hands the heads on", async () => {
    await vi.advanceTimersByTimeAsync(10_000);
    expect(far.sent.map(({ event }) => event)).toEqual(["heartbeat"]);
    far.sent[0]?.ack({ ok: true, heads: { lan_1: 7 } });
    await vi.advanceTimersByTimeAsync(0);
    expect(heads).toEqual([{ lan_1: 7 }]);
  });

  it("replaces a socket that no longer answers", async () => {
    await vi.advanceTimersByTimeAsync(18_100);
    expect(far.connects).toBe(2);
    far.hear("connect");
    expect(ups).toBe(2);
  });

  it("proves itself within 3 s when the page comes back", async () => {
    globalThis.dispatchEvent(new Event("pageshow"));
    expect(far.sent.map(({ event }) => event)).toEqual(["heartbeat"]);
    await vi.advanceTimersByTimeAsync(3_100);
    expect(far.connects).toBe(2);
  });

  it("does not wait out a pause when the page comes back", async () => {
    far.hear("disconnect", "transport close");
    expect(states.at(-1)).toBe("waiting");
    globalThis.dispatchEvent(new Event("pageshow"));
    await vi.advanceTimersByTimeAsync(0);
    expect(far.connects).toBe(2);
  });

  it("asks for lanes with what it has", async () => {
    const answer = link.resume({ lan_1: { epoch: 1, last_seq: 4 } });
    expect(far.sent[0]).toMatchObject({ event: "lanes_resume", body: { lanes: { lan_1: { epoch: 1, last_seq: 4 } } } });
    far.sent[0]?.ack({ ok: true, lanes: { lan_1: { status: "complete", epoch: 1, head_seq: 4 } } });
    expect(await answer).toEqual({ lan_1: { status: "complete", epoch: 1, head_seq: 4 } });
  });

  it("stays closed once closed", async () => {
    link.close();
    globalThis.dispatchEvent(new Event("pageshow"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(far.connects).toBe(1);
  });
});
