import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import type { Hearing } from "@/model/types";
import type { SocketLinkOptions } from "@/wire/socket";
import { asRefusal, createHearingLink, type HearingLink, type Wire } from "./hearing_link";

const view = (version: number, state: Hearing["state"] = "lobby"): Hearing =>
  ({ version, state, people: [{ person_id: "per_me" }], me: { person_id: "per_me", may: ["open"] } }) as unknown as Hearing;

describe("one hearing, live", () => {
  let options: SocketLinkOptions;
  let calls: string[];
  let heard: Map<string, (body: never) => void>;
  let command: (name: string) => Promise<unknown>;
  let link: HearingLink;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("fetch", async () => new Response(JSON.stringify(view(3)), { headers: { "Content-Type": "application/json" } }));
    calls = [];
    heard = new Map();
    command = async () => ({ ok: true });
    link = createHearingLink("hrg_1", (given) => {
      options = given;
      return {
        open: () => calls.push("open"),
        close: () => calls.push("close"),
        on: (event: string, handler: (body: never) => void) => {
          heard.set(event, handler);
          return () => heard.delete(event);
        },
        command: (name: string, body: object) => {
          calls.push(`${name} ${JSON.stringify(body)}`);
          return command(name);
        },
      } as unknown as Wire;
    });
  });
  afterEach(() => {
    link.close();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  const say = (event: string, body: object): void => heard.get(event)?.(body as never);
  const up = (): void => {
    options.onState?.("connected");
    options.onConnected?.(false);
  };

  it("keeps the newest view, whichever way and order views come", async () => {
    link.open();
    await vi.advanceTimersByTimeAsync(10);
    expect(link.hearing.value?.version).toBe(3);
    say("hearing_updated", { hearing: view(5, "in_session") });
    link.apply(view(4));
    expect(link.hearing.value).toMatchObject({ version: 5, state: "in_session" });
    expect(link.me.value?.person_id).toBe("per_me");
    expect([link.may("open"), link.may("close")]).toEqual([true, false]);
  });

  it("tells where the person is when that changes, and again after the socket came back", async () => {
    up();
    link.say({ stage: "waiting" });
    link.say({ stage: "waiting" });
    link.say({ page: "hidden" });
    up();
    await vi.advanceTimersByTimeAsync(0);
    expect(calls.filter((call) => call.startsWith("presence_report"))).toEqual([
      'presence_report {"page":"visible","stage":"checking"}',
      'presence_report {"page":"visible","stage":"waiting"}',
      'presence_report {"page":"hidden","stage":"waiting"}',
      'presence_report {"page":"hidden","stage":"waiting"}',
    ]);
  });

  it("replaces a socket that looks open and does not answer", async () => {
    up();
    command = async () => {
      throw new Problem({ code: "network.timeout", title: "" });
    };
    await vi.advanceTimersByTimeAsync(10_000);
    expect(calls.slice(-2)).toEqual(["close", "open"]);
  });

  it("leaves a refused report alone: the socket answered", async () => {
    up();
    command = async () => {
      throw new Problem({ code: "hearing.closed", title: "" });
    };
    await vi.advanceTimersByTimeAsync(10_000);
    expect(calls).not.toContain("close");
  });

  it("does not come back after the session ended", () => {
    up();
    say("session_ended", { reason: "signed_out" });
    link.reconnect();
    expect(link.endReason.value).toBe("signed_out");
    expect(calls).toContain("close");
    expect(calls).not.toContain("open");
  });
});

describe("what is worth another try", () => {
  const isRetryable = (code: string, status = 0): boolean => asRefusal(new Problem({ code, title: "", status })).retryable;
  it("is whatever the network or a restarting server did", () => {
    for (const code of ["network.offline", "network.timeout", "seat.none", "seat.unknown", "grant.expired"]) expect(isRetryable(code)).toBe(true);
    expect(isRetryable("unavailable", 503)).toBe(true);
    expect(isRetryable("rate_limited", 429)).toBe(true);
  });
  it("is not what the court decided", () => {
    expect(isRetryable("hearing.not_admitted", 409)).toBe(false);
    for (const code of ["seat.removed", "seat.taken"]) expect(isRetryable(code)).toBe(false);
  });
});
