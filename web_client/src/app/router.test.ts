import { describe, expect, it } from "vitest";
import en from "@/i18n/en";
import zh from "@/i18n/zh";
import type { Me, Role } from "@/model/types";
import { gate, homeOf, safeReturn } from "./router";
import { routes } from "./routes";

const person = (role: Role): Me => ({ id: "per_1", kind: role === "party" ? "party" : "staff", role, name: "某", court: { id: "c", name: "某法院", name_en: "" } });

describe("who may open a page", () => {
  it("sends a stranger to the door, with the way back", () => {
    expect(gate({ meta: {}, fullPath: "/desk/cases?x=1" }, null, false)).toEqual({ name: "sign-in", query: { next: "/desk/cases?x=1" } });
  });

  it("lets everybody onto public pages and nobody else's role onto the desk", () => {
    expect(gate({ meta: { isPublic: true }, fullPath: "/public" }, null, false)).toBe(true);
    expect(gate({ meta: { roles: ["clerk"] }, fullPath: "/desk/cases/new" }, person("judge"), false)).toEqual(homeOf("judge"));
    expect(gate({ meta: { roles: ["clerk"] }, fullPath: "/desk/cases/new" }, person("clerk"), false)).toBe(true);
  });

  it("hides the demonstration where there is none", () => {
    const demo = { meta: { isPublic: true, demoOnly: true }, fullPath: "/demo" };
    expect(gate(demo, null, false)).toEqual({ name: "home" });
    expect(gate(demo, null, true)).toBe(true);
  });

  it("returns only to pages of our own", () => {
    expect(safeReturn("/cases/cas_1/space")).toBe("/cases/cas_1/space");
    for (const bad of ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", undefined, ["/a"]]) {
      expect(safeReturn(bad)).toBeNull();
    }
  });
});

describe("page titles", () => {
  it("have a text in both languages", () => {
    const titles = routes.flatMap((route) => [route, ...(route.children ?? [])]).flatMap((route) => route.meta?.title ?? []);
    const text = (texts: Record<string, object>, key: string): unknown =>
      key.split(".").reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], texts);
    expect(titles.length).toBeGreaterThan(15);
    for (const texts of [zh, en]) expect(titles.filter((key) => typeof text(texts, key) !== "string")).toEqual([]);
  });
});
