import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { get } from "@/api/request";
import type { Me } from "@/model/types";
import { useSession } from "./session";

const me: Me = { id: "per_1", kind: "staff", role: "clerk", name: "陈静", court: { id: "crt_1", name: "某法院", name_en: "A Court" } };
const config = { court: me.court, demo: true, simulated: ["sms"], version: "0", limits: { attachment_bytes: 1, text_chars: 1 }, consents: [] };
type Route = [status: number, body: unknown];
let routes: Record<string, Route>;
let asked: string[];

beforeEach(() => {
  setActivePinia(createPinia());
  asked = [];
  routes = { "/config": [200, config], "/me": [200, me] };
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    const path = address.replace("/api/v1", "");
    asked.push(`${init.method} ${path}`);
    const route = routes[path];
    if (!route) throw new TypeError("Failed to fetch");
    return new Response(route[0] === 204 ? null : JSON.stringify(route[1]), { status: route[0] });
  });
});
afterEach(() => vi.unstubAllGlobals());

describe("session store", () => {
  it("reads court and person once, however many pages ask", async () => {
    const session = useSession();
    await Promise.all([session.start(), session.start()]);
    await session.start();
    expect(asked).toEqual(["GET /config", "GET /me"]);
    expect(session.me).toEqual(me);
    expect([session.isReady, session.isStaff, session.isDemo]).toEqual([true, true, true]);
  });

  it("is ready without a person when nobody is signed in, and that is no ended session", async () => {
    routes["/me"] = [401, { code: "session.required", title: "请先登录" }];
    const session = useSession();
    await session.start();
    expect([session.isReady, session.me, session.hasEnded]).toEqual([true, null, false]);
  });

  it("keeps the problem when the server is away, and starts when asked again", async () => {
    const kept = routes["/config"] as Route;
    delete routes["/config"];
    const session = useSession();
    await session.start();
    expect(session.isReady).toBe(false);
    expect(session.problem?.code).toBe("network.offline");
    routes["/config"] = kept;
    await session.start();
    expect([session.isReady, session.problem]).toEqual([true, null]);
  });

  it("forgets the person when any answer says the session ended", async () => {
    const session = useSession();
    await session.start();
    routes["/cases"] = [401, { code: "session.ended", title: "" }];
    await get("/cases").catch(() => undefined);
    expect([session.me, session.hasEnded]).toEqual([null, true]);
    session.signedIn(me);
    expect([session.me, session.hasEnded]).toEqual([me, false]);
  });

  it("signs out here even when the server cannot be told", async () => {
    const session = useSession();
    await session.start();
    await session.signOut().catch(() => undefined);
    expect([session.me, session.hasEnded]).toEqual([null, false]);
  });
});
