import { describe, expect, it } from "vitest";
import { linksOf, ownPath, piecesOf } from "./links";

const HERE = "http://192.168.1.5:8080";

describe("links of the demonstration", () => {
  it("stay within our pages, whatever address the server was started under", () => {
    expect(ownPath("http://127.0.0.1:8080/j/abc", HERE)).toBe("/j/abc");
    expect(ownPath("https://court.example/j/abc?x=1", HERE)).toBe("/j/abc?x=1");
    expect(ownPath("https://elsewhere.example/page", HERE)).toBe("https://elsewhere.example/page");
  });

  it("leave out what is empty or has a place of its own", () => {
    const links = { join: "http://127.0.0.1:8080/j/a", outbox: "http://127.0.0.1:8080/demo/outbox", sign_in: "/sign-in", film: "" };
    expect(linksOf({ links }, HERE)).toEqual([{ kind: "join", href: "/j/a" }]);
  });

  it("are cut out of a message without losing a letter", () => {
    const body = "请点 http://127.0.0.1/j/a 或 http://127.0.0.1/j/b。";
    const pieces = piecesOf(body, ["http://127.0.0.1/j/b", "http://127.0.0.1/j/a"], HERE);
    expect(pieces.map((piece) => piece.text).join("")).toBe(body);
    expect(pieces.flatMap((piece) => piece.href ?? [])).toEqual(["/j/a", "/j/b"]);
    expect(piecesOf("没有链接", ["http://x/"], HERE)).toEqual([{ text: "没有链接", href: null }]);
  });
});
