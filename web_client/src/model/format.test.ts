import { describe, expect, it } from "vitest";
import {
  courtDay,
  courtTimeToUtc,
  daysFromNow,
  formatBytes,
  formatCaseNumber,
  formatClock,
  formatDateTime,
  formatDuration,
  formatTimeExact,
  formatWhen,
  shortHash,
  utcToCourtTime,
} from "./format";

// 22 November 2026 is a Sunday; 17:30 UTC is already Monday in the court.
const late = "2026-11-22T17:30:09Z";

describe("dates and times in the court's form", () => {
  it("writes the court's own day and hour, wherever the reader is", () => {
    expect(formatDateTime(late, "zh-CN")).toBe("2026年11月23日（星期一）01:30");
    expect(formatDateTime(late, "en")).toBe("Mon 23 Nov 2026, 01:30");
    expect(formatTimeExact(late)).toBe("01:30:09");
    expect(courtDay(late)).toBe("2026-11-23");
  });

  it("says near days by their word, by court days and not by 24 hours", () => {
    const now = new Date("2026-11-22T15:59:00Z"); // 23:59 in court
    expect(formatWhen("2026-11-22T16:05:00Z", now, "zh-CN")).toBe("明天 00:05");
    expect(formatWhen("2026-11-22T01:00:00Z", now, "en")).toBe("Today 09:00");
    expect(formatWhen("2026-11-21T01:00:00Z", now, "zh-CN")).toBe("昨天 09:00");
    expect(formatWhen("2026-11-25T01:00:00Z", now, "zh-CN")).toBe("2026年11月25日（星期三）09:00");
    expect(daysFromNow("2026-12-01T00:00:00Z", now)).toBe(9);
  });

  it("turns a datetime-local value of the court into UTC and back", () => {
    expect(courtTimeToUtc("2026-11-23T01:30")).toBe("2026-11-22T17:30:00.000Z");
    expect(utcToCourtTime(late)).toBe("2026-11-23T01:30");
  });
});

describe("lengths, sizes, hashes", () => {
  it.each([
    [0, "0秒", "0 s"],
    [59.6, "1分钟", "1 min"],
    [125, "2分05秒", "2 min 05 s"],
    [3600, "1小时", "1 h"],
    [3900, "1小时05分", "1 h 05 min"],
    [430_200, "4天23小时", "4 days 23 h"],
    [-4, "0秒", "0 s"],
  ])("writes %d seconds as %s and %s", (seconds, zh, en) => {
    expect(formatDuration(seconds, "zh-CN")).toBe(zh);
    expect(formatDuration(seconds, "en")).toBe(en);
  });

  it("runs a clock with hours only when there are any", () => {
    expect([7, 754, 3723].map(formatClock)).toEqual(["0:07", "12:34", "1:02:03"]);
  });

  it("writes sizes with one figure behind the point", () => {
    expect([999, 1400, 999_600, 812_345_678].map(formatBytes)).toEqual(["999 B", "1.4 kB", "1.0 MB", "812 MB"]);
  });

  it("shortens a hash to its ends", () => {
    expect(shortHash("9f2c41d7a0b83e5566c1d2e3f4051627")).toBe("9f2c41d7…051627");
    expect(shortHash("9f2c")).toBe("9f2c");
  });
});

describe("case numbers", () => {
  it.each([
    ["(2026)浙0199民初12号", "（2026）浙0199民初12号"],
    [" （2026） 浙0199 民初 12 号 ", "（2026）浙0199民初12号"],
    ["〔2026〕浙0199民初12号", "（2026）浙0199民初12号"],
    ["not a number", "not a number"],
  ])("writes %s as %s", (given, wanted) => {
    expect(formatCaseNumber(given)).toBe(wanted);
  });
});
