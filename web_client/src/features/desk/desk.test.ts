import { emptyDoors } from "@/features/publicity/doors";
import { describe, expect, it } from "vitest";
import { problemFromBody } from "@/api/problem";
import { i18n } from "@/i18n";
import type { Act } from "@/model/acts";
import type { HearingPerson } from "@/model/types";
import { actLine } from "./act_words";
import { courtCodeOf, isMobile, newParty, newRepresentative, partyWrong, problemByField } from "./drafts";
import { draftOf, formWrong, type FilingForm } from "./filing";
import { columnOf, ImportFileRefused, MAX_IMPORT_BYTES, readImportFile } from "./import_file";
import { idNumberProblem } from "@/model/id_number";
import { TEMPLATE_CSV } from "./import_template";
import { readinessOf } from "./readiness";

const RIGHT_ID = "11010519491231002X";

describe("a party's draft", () => {
  it("names each field that is not right yet, representatives included", () => {
    const party = { ...newParty("plaintiff"), phone: "123", representatives: [newRepresentative()] };
    expect(partyWrong("parties.0", party)).toEqual({
      "parties.0.name": "filing.needed",
      "parties.0.phone": "filing.wrongPhone",
      "parties.0.id_number": "filing.needed",
      "parties.0.representatives.0.name": "filing.needed",
      "parties.0.representatives.0.phone": "filing.needed",
      "parties.0.representatives.0.id_number": "filing.needed",
    });
    expect(partyWrong("parties.0", { ...newParty("plaintiff"), name: "王秀兰", phone: "+86 138 0000 0001", id_number: RIGHT_ID })).toEqual({});
  });

  it("takes the mainland's mobile numbers only", () => {
    expect(["13800000001", "86 139-0000-0003", "+8619900000000"].map(isMobile)).toEqual([true, true, true]);
    expect(["12800000001", "1380000000", "05718888888"].map(isMobile)).toEqual([false, false, false]);
  });

  it("reads the server's field paths in any of their forms", () => {
    const problem = problemFromBody(422, { code: "case.invalid", errors: [{ field: "parties[0].phone", title: "a" }, { field: "/parties/1/name", title: "b" }, { field: "cause", title: "c" }] });
    expect(problemByField(problem)).toEqual({ "parties.0.phone": "a", "parties.1.name": "b", cause: "c" });
  });

  it("knows the court's code from a number it issued", () => {
    expect(courtCodeOf(["x", "（2026）浙0199民初12号"])).toBe("浙0199");
    expect(courtCodeOf(["（2026）最高法知民终3号"])).toBe("最高法");
    expect(courtCodeOf([])).toBeNull();
  });
});

describe("the filing form", () => {
  const form: FilingForm = { cause: " 民间借贷纠纷 ", procedure: "summary", openness: "open", doors: emptyDoors(), judge_id: "per_j", numbering: "auto", type_code: "民初", number: "", parties: [] };

  it("sends a type, or a whole number, never both", () => {
    expect(draftOf(form)).toEqual({ cause: "民间借贷纠纷", procedure: "summary", openness: "open", judge_id: "per_j", parties: [], type_code: "民初" });
    expect(draftOf({ ...form, numbering: "manual", number: "(2026)浙0199民初12号" })).toMatchObject({ number: "（2026）浙0199民初12号" });
    expect(draftOf({ ...form, numbering: "manual", number: "x" })).not.toHaveProperty("type_code");
  });

  it("asks for cause, judge and a manual number", () => {
    expect(formWrong({ ...form, cause: " ", judge_id: "", numbering: "manual" })).toEqual({ cause: "filing.needed", judge_id: "filing.needed", number: "filing.needed" });
  });
});

describe("a file to import", () => {
  const file = (name: string, bytes: Uint8Array, size = bytes.length) => ({ name, size, arrayBuffer: async () => bytes.buffer as ArrayBuffer });

  it("goes as the bytes it has, under the type of its name", async () => {
    const bytes = new Uint8Array([0xb0, 0xb8, 0xd3, 0xc9]);
    expect(await readImportFile(file("a.CSV", bytes))).toEqual({ name: "a.CSV", bytes: 4, type: "text/csv", content: bytes.buffer });
    expect((await readImportFile(file("a.json", bytes))).type).toBe("application/json");
  });

  it("may begin as the template, whose people could exist and whose rows are as wide as its header", () => {
    const [header = "", ...rows] = TEMPLATE_CSV.trimEnd().split("\r\n");
    for (const row of rows) expect(row.split(",")).toHaveLength(header.split(",").length);
    const numbers = TEMPLATE_CSV.match(/\b330199\d{11}[\dX]\b/gu) ?? [];
    expect(numbers).toHaveLength(3);
    expect(numbers.map(idNumberProblem)).toEqual([null, null, null]);
  });

  it("has its faults named by the columns of the file", () => {
    expect(["phone", "parties[0].phone", "parties[1].representatives[0].phone", "representative_phone", "number"].map(columnOf)).toEqual([
      "phone",
      "phone",
      "representative_phone",
      "representative_phone",
      "number",
    ]);
  });

  it("is refused by name or size before anything is sent", async () => {
    await expect(readImportFile(file("a.xlsx", new Uint8Array()))).rejects.toEqual(new ImportFileRefused("wrongType"));
    await expect(readImportFile(file("a.json", new Uint8Array(), MAX_IMPORT_BYTES + 1))).rejects.toMatchObject({ reason: "tooLarge" });
  });
});

describe("readiness", () => {
  it("counts the people from outside the court only", () => {
    const person = (role: HearingPerson["role"], presence: HearingPerson["presence"], granted: boolean): HearingPerson =>
      ({ role, presence, consents: { online_hearing: granted ? "granted" : "refused", recording: "granted" }, self_test: granted ? "passed" : null }) as HearingPerson;
    const people = [person("judge", "absent", false), person("party", "waiting", true), person("representative", "absent", false)];
    expect(readinessOf({ people })).toEqual({ all: 2, arrived: 1, consented: 1, tested: 1, refused: 1 });
  });
});

describe("an act in words", () => {
  const { t, te } = i18n.global;
  const names = new Map([["per_1", "王秀兰"]]);
  const act = (kind: string, summary: Act["summary"]): Act => ({ case_seq: 1, act_id: "act_1", kind, at: "2026-11-22T01:00:00Z", actor: { id: "per_c", name: "陈静" }, role: "clerk", summary, entry_sha256: "", prev: "" });

  it.each([
    ["case.filed", { number: "（2026）浙0199民初12号", cause: "民间借贷纠纷", parties: 2 }, "登记立案 · （2026）浙0199民初12号 · 民间借贷纠纷"],
    ["participant.consent_decided", { stage: "recording", decision: "refused" }, "就线上审理表态 · 录音录像 不同意"],
    ["participant.consent_decided", { person_ids: ["per_1"], note: "online_hearing:granted" }, "就线上审理表态 · 王秀兰 · 线上开庭 同意"],
    ["hearing.recessed", { hearing_id: "hrg_1", person_ids: [], note: "合议" }, "宣布休庭 · 合议"],
    ["hearing.opened", { hearing_id: "hrg_1", note: "" }, "宣布开庭"],
    ["of.tomorrow", {}, "其他记录"],
  ])("says %s", (kind, summary, line) => {
    expect(actLine(act(kind, summary), names, { t, te })).toBe(line);
  });
});
