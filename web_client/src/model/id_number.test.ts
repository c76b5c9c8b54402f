import { describe, expect, it } from "vitest";
import { creditCodeProblem, idNumberProblem } from "./id_number";

describe("resident identity number", () => {
  // The sample of GB 11643-1999 itself.
  it("accepts the standard's own sample, with x in either case", () => {
    expect(idNumberProblem("11010519491231002X")).toBeNull();
    expect(idNumberProblem(" 11010519491231002x ")).toBeNull();
  });

  it.each([
    ["110105194912310020", "check_digit"],
    ["11010519491331002X", "birth_date"],
    ["11010519490230002X", "birth_date"],
    ["1101051949123100AX", "characters"],
    ["11010519491231002", "length"],
    ["", "length"],
  ])("names what is wrong with %s: %s", (text, problem) => {
    expect(idNumberProblem(text)).toBe(problem);
  });

  it("notices every single wrong digit", () => {
    const right = "11010519491231002X";
    for (let at = 0; at < 17; at += 1) {
      for (const digit of "0123456789") {
        if (digit === right[at]) continue;
        expect(idNumberProblem(right.slice(0, at) + digit + right.slice(at + 1))).not.toBeNull();
      }
    }
  });
});

describe("unified social credit code", () => {
  it("accepts a right code and refuses a wrong check character or alphabet", () => {
    expect(creditCodeProblem("91350100M000100Y43")).toBeNull();
    expect(creditCodeProblem("91350100M000100Y44")).toBe("check_digit");
    expect(creditCodeProblem("91350100M000100YI3")).toBe("characters");
    expect(creditCodeProblem("9135")).toBe("length");
  });
});
