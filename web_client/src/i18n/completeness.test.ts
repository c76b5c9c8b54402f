import { describe, expect, it } from "vitest";
import en from "./en";
import zh from "./zh";

function flat(texts: object, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(texts)) {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    if (typeof value === "string") found.set(path, value);
    else for (const [deeper, text] of flat(value as object, path)) found.set(deeper, text);
  }
  return found;
}

const zhTexts = flat(zh);
const enTexts = flat(en);
const slots = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/gu)].map((match) => match[1] ?? "").sort();

describe("interface texts", () => {
  it("have the same keys in both languages", () => {
    expect([...enTexts.keys()].sort()).toEqual([...zhTexts.keys()].sort());
  });

  it("are never empty", () => {
    const empty = [...zhTexts, ...enTexts].filter(([, text]) => text.trim() === "").map(([key]) => key);
    expect(empty).toEqual([]);
  });

  it("fill the same slots", () => {
    const different = [...zhTexts].filter(([key, text]) => slots(text).join() !== slots(enTexts.get(key) ?? "").join());
    expect(different.map(([key]) => key)).toEqual([]);
  });

  it("leave no English sentence in the Chinese pages and no Chinese in the English ones", () => {
    const hanInEnglish = [...enTexts].filter(([, text]) => /\p{Script=Han}/u.test(text)).map(([key]) => key);
    const englishInChinese = [...zhTexts].filter(([, text]) => !/\p{Script=Han}/u.test(text)).map(([key]) => key);
    // The name of the other language is written in that language; a few texts are only figures and slots.
    const allowed = /^common\.(language\.|sep)/u;
    expect(hanInEnglish.filter((key) => !allowed.test(key))).toEqual([]);
    expect(englishInChinese.filter((key) => !allowed.test(key) && /[a-z]{3}/u.test(zhTexts.get(key)?.replace(/\{\w+\}/gu, "") ?? ""))).toEqual([]);
  });
});
