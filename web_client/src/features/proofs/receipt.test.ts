// @vitest-environment node
import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { canonicalJson, type Json, readCanonical, utf8 } from "./canonical";
import { isQuorum, type Policy, readPolicy } from "./notes";
import { checkReceipt, cosignedAt, type Outcome, readReceipt } from "./receipt";

const folder = new URL("../../../../docs/examples/trust/", import.meta.url);
const read = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(new URL(name, folder)));
const whole = read("act.receipt.json");
const policy = readPolicy(readFileSync(new URL("policy.txt", folder), "utf-8"));

type Raw = { [name: string]: Json };
/** The receipt with something else in it, well written. */
function changed(change: (raw: Raw) => void): Uint8Array<ArrayBuffer> {
  const raw = readCanonical(new TextDecoder().decode(whole).trimEnd()) as Raw;
  change(raw);
  return utf8(`${canonicalJson(raw)}\n`);
}
const inProof = (from: string | RegExp, to: string) => changed((raw) => (raw["proof"] = String(raw["proof"]).replace(from, to)));
async function failing(file: Uint8Array<ArrayBuffer>, whom: Policy | null = policy): Promise<string[]> {
  return (await checkReceipt(file, whom)).filter(({ outcome }) => outcome === "fails").map(({ step }) => step);
}
async function outcomes(file: Uint8Array<ArrayBuffer>, whom: Policy | null): Promise<Outcome[]> {
  return (await checkReceipt(file, whom)).map(({ outcome }) => outcome);
}

describe("a whole receipt", () => {
  it("holds in every step; whose time stamp it is stays open in a browser", async () => {
    expect(await outcomes(whole, policy)).toEqual(["holds", "holds", "holds", "holds", "holds", "open"]);
    expect(await outcomes(read("unstamped.receipt.json"), policy)).toEqual(["holds", "holds", "holds", "holds", "holds", "open"]);
  });

  it("leaves open whom to believe when nobody is named", async () => {
    expect(await outcomes(whole, null)).toEqual(["holds", "holds", "holds", "open", "open", "open"]);
  });

  it("tells each step as it is done, and when the witnesses signed", async () => {
    const told: string[] = [];
    await checkReceipt(whole, policy, ({ step }) => told.push(step));
    expect(told).toEqual(["form", "content", "place", "signature", "witnesses", "time"]);
    const { proof } = await readReceipt(whole);
    expect(proof.checkpoint.lines.slice(1).map(({ signature }) => new Date(cosignedAt(signature) ?? 0).toISOString())).toEqual([
      "2026-03-02T04:10:00.000Z",
      "2026-03-02T04:10:00.000Z",
    ]);
  });

  it("leaves signatures open in a browser without Ed25519, and says so", async () => {
    const importKey = vi.spyOn(crypto.subtle, "importKey").mockRejectedValue(new DOMException("no such algorithm", "NotSupportedError"));
    try {
      const steps = await checkReceipt(whole, policy);
      expect(steps.map(({ word }) => word)).toEqual(["formHolds", "contentHolds", "placeHolds", "noEd25519", "noEd25519", "timeOpen"]);
    } finally {
      importKey.mockRestore();
    }
  });
});

describe("a receipt that was tampered with", () => {
  it("fails at the content when other words stand there", async () => {
    const other = changed((raw) => ((raw["disclosed"] as { body: { value: Raw } }).body.value["text"] = "原告拒绝调解。"));
    expect(await failing(other)).toEqual(["content"]);
  });

  it("fails at the place when the entry, the index or the path is another", async () => {
    expect(await failing(changed((raw) => (raw["entry"] = String(raw["entry"]).replace("04:03", "04:04"))))).toEqual(["place"]);
    expect(await failing(inProof("index 2", "index 3"))).toEqual(["place"]);
    expect(await failing(inProof(/\nBG7J[^\n]*/u, ""))).toEqual(["place"]);
  });

  it("fails wherever the checkpoint counts when its size is another", async () => {
    expect(await failing(inProof("\n7\n", "\n3\n"))).toEqual(["place", "signature", "witnesses", "time"]);
  });

  it("fails at the signature when the log's is another, or the log is", async () => {
    expect(await failing(inProof("KOoiC+Wp", "KOoiC+Wq"))).toEqual(["signature"]);
    const stranger = { ...policy, logs: ["court.example/acts+00000000+AQ=="] };
    expect(await failing(whole, stranger)).toEqual(["signature"]);
  });

  it("fails at the witnesses when a line is wrong, missing, or of nobody", async () => {
    expect(await failing(inProof("tJNpBQAAAABppQ2Y", "tJNpBQAAAABppQ2Z"))).toEqual(["witnesses"]);
    expect(await failing(inProof(/— bar[^\n]*\n/u, ""))).toEqual(["witnesses"]);
    expect(await failing(changed((raw) => (raw["witnesses"] as Json[]).pop()))).toEqual(["witnesses"]);
    const fewer = changed((raw) => {
      (raw["witnesses"] as Json[]).pop();
      raw["proof"] = String(raw["proof"]).replace(/— bar[^\n]*\n/u, "");
    });
    expect(await failing(fewer)).toEqual(["witnesses"]);
    expect(await failing(fewer, null)).toEqual([]);
  });

  it("fails at the time when the moment is another", async () => {
    expect(await failing(changed((raw) => ((raw["time_stamp"] as Raw)["at"] = "2026-11-22T11:36:36.000Z")))).toEqual(["time"]);
  });

  it("fails at its form when any byte of the file is another", async () => {
    const missed: number[] = [];
    for (let at = 0; at < whole.length; at += 7) {
      const other = Uint8Array.from(whole);
      other[at] = (other[at] ?? 0) ^ (1 << (at % 8));
      if ((await failing(other)).length === 0) missed.push(at);
    }
    expect(missed).toEqual([]);
    expect(await failing(utf8("\u{feff}{}\n"))).toEqual(["form"]);
    expect(await failing(inProof("index", "extra aGVsbG8=\nindex"))).toEqual(["form"]);
    expect(await failing(changed((raw) => (raw["more"] = 1)))).toEqual(["form"]);
  });
});

describe("a policy", () => {
  it("counts groups of witnesses", () => {
    const [one, two] = [...policy.witnesses.values()];
    expect(isQuorum(policy, new Set([one ?? "", two ?? ""]))).toBe(true);
    expect(isQuorum(policy, new Set([one ?? ""]))).toBe(false);
    expect(isQuorum({ ...policy, quorum: "none" }, new Set())).toBe(true);
    expect(isQuorum({ ...policy, quorum: "w3" }, new Set([""]))).toBe(false);
  });
});
