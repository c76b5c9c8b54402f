import { describe, expect, it } from "vitest";
import { asProblem, Problem, problemFromBody } from "./problem";

describe("problems", () => {
  it("keep every field of an RFC 9457 answer", () => {
    const problem = problemFromBody(422, {
      code: "case.invalid",
      title: "案件信息有误",
      detail: "两处",
      request_id: "req_1",
      errors: [{ field: "parties.0.phone", code: "phone.malformed", title: "手机号应为 11 位" }, { line: 3, code: "x.y", title: "z" }, "junk"],
    });
    expect(problem).toMatchObject({ code: "case.invalid", title: "案件信息有误", status: 422, detail: "两处", requestId: "req_1" });
    expect(problem.errors).toEqual([
      { field: "parties.0.phone", code: "phone.malformed", title: "手机号应为 11 位" },
      { line: 3, code: "x.y", title: "z" },
    ]);
  });

  it("give a usable code for a body that is none of ours", () => {
    for (const body of [null, "<html>", 7, []]) expect(problemFromBody(502, body).code).toBe("http.502");
  });

  it("take the wait from the body, then from the header", () => {
    expect(problemFromBody(429, { code: "a.b", retry_after_s: 30 }, "60").retryAfterS).toBe(30);
    expect(problemFromBody(429, { code: "a.b", retry_after_ms: 1500 }).retryAfterS).toBe(1.5);
    expect(problemFromBody(429, { code: "a.b" }, "60").retryAfterS).toBe(60);
    expect(problemFromBody(429, { code: "a.b" }, "Wed, 21 Oct 2026").retryAfterS).toBeNull();
    expect(problemFromBody(429, { code: "a.b" }).retryAfterS).toBeNull();
  });

  it("wrap anything thrown, and leave problems alone", () => {
    const own = new Problem({ code: "network.offline", title: "" });
    expect(asProblem(own)).toBe(own);
    expect(own.isOffline).toBe(true);
    expect(asProblem(new TypeError("x is undefined")).code).toBe("client.unexpected");
  });
});
