import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import { SocketLink, type LinkState, type SocketLinkOptions, type WireSocket } from "./socket";

type Listener = (...given: unknown[]) => void;

/** A socket whose far end is the test. */
class FarSocket {
  auth: unknown = null;
  connects = 0;
  sent: [string, unknown, Listener][] = [];
  private readonly listeners = new Map<string, Listener[]>();
  on(event: string, listener: Listener): this {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
    return this;
  }
  emit(event: string, body: unknown, ack: Listener): this {
    this.sent.push([event, body, ack]);
    return this;
  }
  connect(): this {
    this.connects += 1;
    return this;
  }
  disconnect(): this {
    this.hear("disconnect", "io client disconnect");
    return this;
  }
  hear(event: string, ...given: unknown[]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(...given);
  }
}

let far: FarSocket;
let states: LinkState[];
let tickets: number;

function link(options: Partial<SocketLinkOptions> = {}): SocketLink {
  return new SocketLink({
    namespace: "/hearing",
    auth: { hearing_id: "hrg_1" },
    onState: (state) => states.push(state),
    askTicket: async () => `ticket-${++tickets}`,
    makeSocket: () => far as unknown as WireSocket,
    ...options,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  far = new FarSocket();
  states = [];
  tickets = 0;
});
afterEach(() => vi.useRealTimers());

describe("socket link", () => {
  it("shows a fresh ticket at every attempt, and says whether it comes back", async () => {
    const comings: boolean[] = [];
    const one = link({ onConnected: (again) => comings.push(again) });
    one.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(far.auth).toEqual({ hearing_id: "hrg_1", ticket: "ticket-1" });
    far.hear("connect");
    far.hear("disconnect", "transport close");
    await vi.advanceTimersByTimeAsync(600);
    expect(far.auth).toEqual({ hearing_id: "hrg_1", ticket: "ticket-2" });
    far.hear("connect");
    expect(comings).toEqual([false, true]);
    expect(states).toEqual(["connecting", "connected", "waiting", "connecting", "connected"]);
  });

  it("waits longer after each failure, and tries at once when the network returns", async () => {
    const one = link({ askTicket: () => Promise.reject(new Problem({ code: "network.offline", title: "" })) });
    one.open();
    await vi.advanceTimersByTimeAsync(60_000);
    const attempts = states.filter((state) => state === "connecting").length;
    // Every two seconds at most, give or take a quarter, after a quick beginning.
    expect(attempts).toBeGreaterThan(24);
    expect(attempts).toBeLessThan(45);
    globalThis.dispatchEvent(new Event("online"));
    await vi.advanceTimersByTimeAsync(0);
    expect(states.filter((state) => state === "connecting").length).toBe(attempts + 1);
    one.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(one.state).toBe("closed");
    expect(states.at(-1)).toBe("closed");
  });

  it("comes back when a stopping server asks it to, and by its own waits after that", async () => {
    const one = link();
    one.open();
    await vi.advanceTimersByTimeAsync(0);
    far.hear("connect");
    far.hear("server_leaving", { retry_after_ms: 4_000 });
    far.hear("disconnect", "io server disconnect");
    await vi.advanceTimersByTimeAsync(3_900);
    expect(tickets).toBe(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(tickets).toBe(2);
    far.hear("connect_error", new Error("not yet"));
    await vi.advanceTimersByTimeAsync(1_100);
    expect(tickets).toBe(3);
    one.close();
  });

  it("stops for good when the person is signed out or not on the hearing", async () => {
    const refused: string[] = [];
    const one = link({
      askTicket: () => Promise.reject(new Problem({ code: "session.required", title: "", status: 401 })),
      onRefused: (problem) => refused.push(problem.code),
    });
    one.open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(refused).toEqual(["session.required"]);
    expect(one.state).toBe("refused");

    const two = link({ onRefused: (problem) => refused.push(problem.code) });
    two.open();
    await vi.advanceTimersByTimeAsync(0);
    far.hear("connect_error", Object.assign(new Error("no"), { data: { code: "not_found", title: "没有找到" } }));
    expect(refused).toEqual(["session.required", "not_found"]);
  });

  it("gives the ack's fields, the server's problem, or a timeout", async () => {
    const one = link();
    await expect(one.command("room_leave")).rejects.toMatchObject({ code: "network.offline" });
    one.open();
    await vi.advanceTimersByTimeAsync(0);
    far.hear("connect");

    const right = one.command<{ seq: number }>("message_post", { lane: "lan_1" });
    expect(far.sent[0]?.slice(0, 2)).toEqual(["message_post", { lane: "lan_1" }]);
    far.sent[0]?.[2]({ ok: true, seq: 7 });
    expect((await right).seq).toBe(7);

    const wrong = one.command("message_post");
    far.sent[1]?.[2]({ ok: false, code: "message.empty", title: "没有内容", retryable: false, retry_after_ms: 2000 });
    await expect(wrong).rejects.toMatchObject({ code: "message.empty", title: "没有内容", retryAfterS: 2 });

    const late = one.command("heartbeat", {}, 1000);
    const settled = expect(late).rejects.toMatchObject({ code: "network.timeout" });
    await vi.advanceTimersByTimeAsync(1000);
    await settled;
  });

  it("ends the commands of a socket that is gone at once", async () => {
    const one = link();
    one.open();
    await vi.advanceTimersByTimeAsync(0);
    far.hear("connect");
    const asked = expect(one.command("track_publish")).rejects.toMatchObject({ code: "network.offline" });
    far.hear("disconnect", "transport close");
    await asked;
    await vi.advanceTimersByTimeAsync(600);
    far.hear("connect");
    // A late ack of the old socket means nothing, and the new one's commands live.
    far.sent[0]?.[2]({ ok: true });
    const next = one.command<{ seq: number }>("message_post");
    far.sent[1]?.[2]({ ok: true, seq: 3 });
    expect((await next).seq).toBe(3);

    const last = expect(one.command("room_leave")).rejects.toMatchObject({ code: "network.offline" });
    one.close();
    await last;
  });

  it("does not tell a listener that has stopped", async () => {
    const one = link();
    const heard: unknown[] = [];
    const stop = one.on("heads_moved", (body) => heard.push(body));
    far.hear("heads_moved", { heads: { lan_1: 1 } });
    stop();
    far.hear("heads_moved", { heads: { lan_1: 2 } });
    expect(heard).toEqual([{ heads: { lan_1: 1 } }]);
  });
});
