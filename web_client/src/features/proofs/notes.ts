/** Signed notes, checkpoints and proofs of the C2SP specifications, and the policies that name whom to believe. */

import { fromBase64, joined, isSame, need, sha256, toHex, utf8 } from "./canonical";

const LOG = 1;
const WITNESS = 4;
const DASH = "\u2014 ";
/** 63 halvings reach the leaves of the largest tree. */
const MOST_HASHES = 63;

export interface Key {
  name: string;
  id: Uint8Array<ArrayBuffer>;
  bytes: Uint8Array<ArrayBuffer>;
  text: string;
}

/** A verifier key, `<name>+<id>+<base64(type, key)>`, whose id is its own. */
async function readKey(text: unknown, type: number): Promise<Key> {
  need(typeof text === "string", "a key is text");
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(text);
  need(found, "not a verifier key");
  const [, name, id, material] = found as unknown as [string, string, string, string];
  const blob = fromBase64(material);
  need(blob.length === 33 && blob[0] === type, "a key of another type");
  const own = (await sha256(joined(utf8(`${name}\n`), blob))).slice(0, 4);
  need(toHex(own) === id, "the id is of another key");
  return { name, id: own, bytes: blob.slice(1), text };
}
export const readLogKey = (text: unknown): Promise<Key> => readKey(text, LOG);
export const readWitnessKey = (text: unknown): Promise<Key> => readKey(text, WITNESS);

export interface SignatureLine {
  name: string;
  id: Uint8Array<ArrayBuffer>;
  signature: Uint8Array<ArrayBuffer>;
}
export interface Checkpoint {
  /** What is signed: origin, size, root, each with its newline. */
  text: string;
  origin: string;
  size: number;
  root: Uint8Array<ArrayBuffer>;
  rootText: string;
  lines: SignatureLine[];
}
export interface Proof {
  index: number;
  path: Uint8Array<ArrayBuffer>[];
  checkpoint: Checkpoint;
}

/** Numbers here count acts: whole, and far below what a browser still counts exactly. */
function wholeNumber(text: string | undefined): number {
  need(text !== undefined && /^(?:0|[1-9]\d{0,18})$/u.test(text) && Number.isSafeInteger(Number(text)), "not a whole number");
  return Number(text);
}

function readHash(text: string): Uint8Array<ArrayBuffer> {
  const hash = fromBase64(text);
  need(hash.length === 32, "not a hash");
  return hash;
}

function readLine(line: string): SignatureLine {
  const found = /^\u2014 ([^\s+]+) (\S+)$/u.exec(line);
  need(found && line.startsWith(DASH), "not a signature line");
  const data = fromBase64(found[2] ?? "");
  need(data.length > 4, "a line without a signature");
  return { name: found[1] ?? "", id: data.slice(0, 4), signature: data.slice(4) };
}

function readCheckpoint(note: string): Checkpoint {
  const place = note.lastIndexOf("\n\n");
  need(place >= 0 && note.endsWith("\n"), "a checkpoint without signatures");
  // eslint-disable-next-line no-control-regex
  need(!/[\u0000-\u0009\u000b-\u001f]/u.test(note), "a control character");
  const head = note.slice(0, place).split("\n");
  need(head.length >= 3 && head.every((line) => line !== ""), "a checkpoint has three lines at least");
  const [origin = "", size, rootText = ""] = head;
  const lines = note.slice(place + 2, -1).split("\n").map(readLine);
  return { text: note.slice(0, place + 1), origin, size: wholeNumber(size), root: readHash(rootText), rootText, lines };
}

/** A `tlog-proof@v1` file without an extra line. */
export function readProof(text: unknown): Proof {
  need(typeof text === "string", "the proof is text");
  const gap = text.indexOf("\n\n");
  const [header, index, ...path] = text.slice(0, gap).split("\n");
  need(gap > 0 && header === "c2sp.org/tlog-proof@v1" && index !== undefined && index.startsWith("index "), "not a proof");
  need(path.length <= MOST_HASHES, "a path of too many hashes");
  return { index: wholeNumber(index.slice(6)), path: path.map(readHash), checkpoint: readCheckpoint(text.slice(gap + 2)) };
}

export const linesOf = (checkpoint: Checkpoint, key: Key): SignatureLine[] =>
  checkpoint.lines.filter((line) => line.name === key.name && isSame(line.id, key.id));

/** Whom a court names itself at `/log/policy`: its log's key, its witnesses, and how many of them must agree. */
export interface Policy {
  logs: string[];
  witnesses: Map<string, string>;
  groups: Map<string, { needed: number; members: string[] }>;
  quorum: string;
}

export function readPolicy(text: string): Policy {
  const policy: Policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: "none" };
  for (const line of text.split("\n")) {
    const [kind, name = "", ...rest] = line.trim().split(/[ \t]+/u);
    if (kind === "log") policy.logs.push(name);
    else if (kind === "witness") policy.witnesses.set(name, rest[0] ?? "");
    else if (kind === "quorum") policy.quorum = name;
    else if (kind === "group") {
      const [needed = "", ...members] = rest;
      policy.groups.set(name, { needed: needed === "any" ? 1 : needed === "all" ? members.length : wholeNumber(needed), members });
    }
  }
  need(policy.logs.length > 0, "a policy without a log");
  return policy;
}

/** Whether the holders of these keys are a quorum. A group may name only what stands before it, so this comes to an end. */
export function isQuorum(policy: Policy, keys: ReadonlySet<string>, name = policy.quorum): boolean {
  const group = policy.groups.get(name);
  if (group) return group.members.filter((member) => member !== name && isQuorum(policy, keys, member)).length >= group.needed;
  const key = policy.witnesses.get(name);
  return name === "none" || (key !== undefined && keys.has(key));
}
