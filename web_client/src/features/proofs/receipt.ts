/** Checks a receipt in the browser, in the six steps of docs/TRUST.md. No answer of the server takes part in it. */

import { canonicalJson, fromBase64, fromHex, isSame, joined, type Json, need, readCanonical, sha256, toHex, utf8, Wrong } from "./canonical";
import { isQuorum, type Key, linesOf, type Policy, type Proof, readLogKey, readProof, readWitnessKey } from "./notes";
import { readStamp } from "./stamp";

export const STEPS = ["form", "content", "place", "signature", "witnesses", "time"] as const;
export type Step = (typeof STEPS)[number];
export type Outcome = "holds" | "fails" | "open";
/** `word` names the sentence `proofs.said.<word>` that tells people what was seen. */
export interface CheckedStep {
  step: Step;
  outcome: Outcome;
  word: string;
}

type Fields = { [name: string]: Json };

/** A receipt file, read. */
export interface Receipt {
  entry: Fields;
  entryBytes: Uint8Array<ArrayBuffer>;
  disclosed: { [field: string]: { salt: string; value: Json } };
  proof: Proof;
  log: Key;
  witnesses: Key[];
  stamp: { at: string; sha256: string; token: Uint8Array<ArrayBuffer> } | null;
}

const FIELDS = ["disclosed", "entry", "format", "log", "proof", "time_stamp", "witnesses"];
const MOST_BYTES = 1 << 20;
const MOST_ENTRY_BYTES = 4096;
const isObject = (value: Json | undefined): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const hasFields = (value: Fields, names: string[]): boolean => Object.keys(value).sort().join() === names.join();

/** `Wrong` when the file isn't a receipt, byte for byte. */
export async function readReceipt(file: Uint8Array<ArrayBuffer>): Promise<Receipt> {
  need(file.length <= MOST_BYTES, "too long");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file);
  } catch {
    throw new Wrong("not UTF-8");
  }
  need(text.endsWith("\n"), "no newline at the end");
  const raw = readCanonical(text.slice(0, -1));
  need(isObject(raw) && hasFields(raw, FIELDS) && raw["format"] === "hearing-receipt/1", "not a receipt");
  need(typeof raw["entry"] === "string", "no entry");
  const entry = readCanonical(raw["entry"]);
  const entryBytes = utf8(raw["entry"]);
  need(isObject(entry) && entryBytes.length <= MOST_ENTRY_BYTES, "not an entry");
  const disclosed = raw["disclosed"];
  need(isObject(disclosed), "nothing about disclosure");
  for (const [name, one] of Object.entries(disclosed)) {
    need(["case", "actor", "body"].includes(name) && isObject(one) && hasFields(one, ["salt", "value"]), "not a disclosed field");
    need(typeof one["salt"] === "string" && fromHex(one["salt"]).length === 32, "not a salt");
  }
  const witnesses = raw["witnesses"];
  need(Array.isArray(witnesses), "no list of witnesses");
  return {
    entry,
    entryBytes,
    disclosed: disclosed as Receipt["disclosed"],
    proof: readProof(raw["proof"]),
    log: await readLogKey(raw["log"]),
    witnesses: await Promise.all(witnesses.map(readWitnessKey)),
    stamp: await readStampField(raw["time_stamp"]),
  };
}

async function readStampField(value: Json | undefined): Promise<Receipt["stamp"]> {
  if (value === null) return null;
  need(isObject(value) && hasFields(value, ["at", "sha256", "token"]), "not a time stamp");
  const { at, sha256: digest, token } = value;
  need(typeof at === "string" && typeof digest === "string" && typeof token === "string", "not a time stamp");
  need(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u.test(at) && !Number.isNaN(Date.parse(at)), "not a moment");
  const bytes = fromBase64(token);
  need(toHex(await sha256(bytes)) === digest, "another token");
  return { at, sha256: digest, token: bytes };
}

/** When a witness signed, in ms; null for a line that is no cosignature. */
export function cosignedAt(signature: Uint8Array<ArrayBuffer>): number | null {
  if (signature.length !== 72) return null;
  return Number(new DataView(signature.buffer, signature.byteOffset, 8).getBigUint64(0)) * 1000;
}

/** Null: this browser knows no Ed25519. */
async function isSigned(key: Key, message: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): Promise<boolean | null> {
  let known: CryptoKey;
  try {
    known = await crypto.subtle.importKey("raw", key.bytes, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    if (error instanceof DOMException && error.name === "DataError") return false;
    return null;
  }
  return await crypto.subtle.verify({ name: "Ed25519" }, known, signature, message);
}

async function content(receipt: Receipt): Promise<[Outcome, string]> {
  const fields = Object.entries(receipt.disclosed);
  for (const [name, { salt, value }] of fields) {
    const commitment = await sha256(joined(fromHex(salt), utf8(canonicalJson(value))));
    if (receipt.entry[`${name}_c`] !== toHex(commitment)) return ["fails", "contentFails"];
  }
  return fields.length > 0 ? ["holds", "contentHolds"] : ["open", "contentOpen"];
}

/** RFC 9162 section 2.1.3.2. Halved by division: a place may be beyond 32 bits. */
async function place({ proof, entryBytes }: Receipt): Promise<[Outcome, string]> {
  const { checkpoint, path } = proof;
  let node = proof.index;
  let last = checkpoint.size - 1;
  const half = (): void => {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  };
  if (node > last) return ["fails", "placeFails"];
  let top = await sha256(joined(Uint8Array.of(0), entryBytes));
  for (const other of path) {
    if (last === 0) return ["fails", "placeFails"];
    if (node % 2 === 1 || node === last) {
      top = await sha256(joined(Uint8Array.of(1), other, top));
      while (node % 2 === 0 && node > 0) half();
    } else {
      top = await sha256(joined(Uint8Array.of(1), top, other));
    }
    half();
  }
  return last === 0 && isSame(top, checkpoint.root) ? ["holds", "placeHolds"] : ["fails", "placeFails"];
}

async function signature({ proof, log }: Receipt, policy: Policy | null): Promise<[Outcome, string]> {
  const lines = linesOf(proof.checkpoint, log);
  if (lines.length === 0 || proof.checkpoint.origin !== log.name) return ["fails", "signatureFails"];
  if (policy && !policy.logs.includes(log.text)) return ["fails", "signatureStranger"];
  for (const line of lines) {
    const isGood = await isSigned(log, utf8(proof.checkpoint.text), line.signature);
    if (isGood === null) return ["open", "noEd25519"];
    if (!isGood) return ["fails", "signatureFails"];
  }
  return policy ? ["holds", "signatureHolds"] : ["open", "signatureOpen"];
}

async function cosignatures({ proof, witnesses }: Receipt, policy: Policy | null): Promise<[Outcome, string]> {
  const { checkpoint } = proof;
  if (checkpoint.lines.length !== 1 + witnesses.length) return ["fails", "witnessesFail"];
  const found = witnesses.map((key) => ({ key, lines: linesOf(checkpoint, key) }));
  if (found.some(({ lines }) => lines.length !== 1)) return ["fails", "witnessesFail"];
  for (const { key, lines } of found) {
    const blob = lines[0]?.signature ?? new Uint8Array();
    const at = cosignedAt(blob);
    if (at === null) return ["fails", "witnessesFail"];
    const isGood = await isSigned(key, utf8(`cosignature/v1\ntime ${BigInt(at) / 1000n}\n${checkpoint.text}`), blob.slice(8));
    if (isGood === null) return ["open", "noEd25519"];
    if (!isGood) return ["fails", "witnessesFail"];
  }
  if (policy && !isQuorum(policy, new Set(witnesses.map((key) => key.text)))) return ["fails", "witnessesFew"];
  if (witnesses.length === 0) return ["open", "witnessesNone"];
  return policy && policy.quorum !== "none" ? ["holds", "witnessesHold"] : ["open", "witnessesOpen"];
}

async function time({ proof, stamp }: Receipt): Promise<[Outcome, string]> {
  if (stamp === null) return ["open", "timeNone"];
  const said = readStamp(stamp.token);
  const isOfThis = isSame(said.imprint, await sha256(utf8(proof.checkpoint.text)));
  // Whose stamp it is takes certificates: left to the programs that check a receipt elsewhere.
  return isOfThis && said.at === stamp.at ? ["open", "timeOpen"] : ["fails", "timeFails"];
}

/** All steps that could be taken. `policy`: whom the reader believes; `tell` hears of each step as it is done. */
export async function checkReceipt(
  file: Uint8Array<ArrayBuffer>,
  policy: Policy | null = null,
  tell: (done: CheckedStep) => void = () => undefined,
): Promise<CheckedStep[]> {
  const steps: CheckedStep[] = [];
  const take = async (step: Step, work: () => Promise<[Outcome, string]>): Promise<void> => {
    let said: [Outcome, string];
    try {
      said = await work();
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      said = ["fails", `${step}Fails`];
    }
    const done = { step, outcome: said[0], word: said[1] };
    steps.push(done);
    tell(done);
  };
  let receipt: Receipt | null = null;
  await take("form", async () => {
    receipt = await readReceipt(file);
    return ["holds", "formHolds"];
  });
  if (receipt === null) return steps;
  const read: Receipt = receipt;
  await take("content", () => content(read));
  await take("place", () => place(read));
  await take("signature", () => signature(read, policy));
  await take("witnesses", () => cosignatures(read, policy));
  await take("time", () => time(read));
  return steps;
}
