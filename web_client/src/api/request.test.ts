import { afterEach, describe, expect, it, vi } from "vitest";
import { Problem } from "./problem";
import { get, post, request, setReachListener, setRequestLanguage, setSignedOutListener } from "./request";

function answer(status: number, body: unknown, headers: Record<string, string> = {}): ReturnType<typeof vi.fn> {
  const fetched = vi.fn(async (_address: string, _init: RequestInit) =>
    new Response(status === 204 ? null : JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } }),
  );
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

afterEach(() => {
  vi.unstubAllGlobals();
  setRequestLanguage("zh-CN");
  setSignedOutListener(() => undefined);
});

describe("requests", () => {
  it("carry JSON, the language and the cookie, and leave empty query fields out", async () => {
    setRequestLanguage("en");
    const fetched = answer(200, { ok: 1 });
    await request("POST", "/cases", { body: { cause: "借贷" }, query: { dry_run: true, after: null, day: undefined } });
    const [address, init] = fetched.mock.calls[0] as [string, RequestInit];
    expect(address).toBe("/api/v1/cases?dry_run=true");
    expect(init).toMatchObject({ method: "POST", credentials: "same-origin", body: '{"cause":"借贷"}' });
    expect(init.headers).toMatchObject({ "Content-Type": "application/json", "Accept-Language": "en" });
  });

  it("send an upload as it is, under its own type", async () => {
    const fetched = answer(200, {});
    await post("/case-imports", undefined, { raw: { content: "案号,案由", type: "text/csv" } });
    const init = fetched.mock.calls[0]?.[1] as RequestInit;
    expect(init.body).toBe("案号,案由");
    expect(init.headers).toMatchObject({ "Content-Type": "text/csv" });
  });

  it("throw the server's problem with the header's wait", async () => {
    answer(429, { code: "code.too_often", title: "太频繁" }, { "Retry-After": "42" });
    await expect(post("/sign-in/codes", {})).rejects.toMatchObject({ code: "code.too_often", retryAfterS: 42, status: 429 });
  });

  it("tell a network that is away from a server that refuses", async () => {
    vi.stubGlobal("fetch", vi.fn(async () => Promise.reject(new TypeError("Failed to fetch"))));
    await expect(get("/me")).rejects.toMatchObject({ code: "network.offline", status: 0 });
    vi.stubGlobal("fetch", vi.fn(async () => Promise.reject(new DOMException("late", "TimeoutError"))));
    await expect(get("/me")).rejects.toSatisfy((error) => error instanceof Problem && error.isOffline);
  });

  it("tell whether any answer came, a proxy's none included", async () => {
    const reached: boolean[] = [];
    setReachListener((isReached) => reached.push(isReached));
    answer(404, { code: "not_found", title: "" });
    await get("/cases").catch(() => undefined);
    answer(502, null);
    await get("/cases").catch(() => undefined);
    vi.stubGlobal("fetch", vi.fn(async () => Promise.reject(new TypeError("Failed to fetch"))));
    await get("/cases").catch(() => undefined);
    expect(reached).toEqual([true, false, false]);
    setReachListener(() => undefined);
  });

  it("answer 204 with nothing", async () => {
    answer(204, null);
    await expect(request("DELETE", "/me/session")).resolves.toBeUndefined();
  });

  it("say that a session ended, but not that a password was wrong", async () => {
    const ended = vi.fn();
    setSignedOutListener(ended);
    answer(401, { code: "sign_in.wrong", title: "" });
    await expect(post("/sign-in/staff", {})).rejects.toBeInstanceOf(Problem);
    expect(ended).not.toHaveBeenCalled();
    await expect(get("/cases")).rejects.toBeInstanceOf(Problem);
    expect(ended).toHaveBeenCalledOnce();
  });
});
