import { expect, it } from "vitest";
import { inCourtOrder } from "./parties";
import type { Standing } from "./types";

it("lists parties as a court does, and leaves the given list alone", () => {
  const one = (standing: Standing, ordinal: number) => ({ standing, ordinal });
  const given = [one("third_party", 1), one("defendant", 2), one("plaintiff", 1), one("defendant", 1)];
  expect(inCourtOrder(given)).toEqual([one("plaintiff", 1), one("defendant", 1), one("defendant", 2), one("third_party", 1)]);
  expect(given[0]?.standing).toBe("third_party");
});
