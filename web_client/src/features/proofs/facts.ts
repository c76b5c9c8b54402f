/** What a receipt tells, for people to read before anything is checked. */

import { sha256, toHex } from "./canonical";
import { linesOf } from "./notes";
import { cosignedAt, readReceipt, type Receipt } from "./receipt";

export interface ProofFacts {
  kind: string;
  at: string;
  role: string;
  number: number;
  caseId: string | null;
  entrySha256: string;
  index: number;
  size: number;
  root: string;
  origin: string;
  witnesses: { name: string; at: string | null }[];
  stampedAt: string | null;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function seenAt(receipt: Receipt, key: Receipt["witnesses"][number]): string | null {
  const [line] = linesOf(receipt.proof.checkpoint, key);
  const at = line ? cosignedAt(line.signature) : null;
  return at === null || at > 8.64e15 ? null : new Date(at).toISOString();
}

/** `Wrong` when the file is no receipt. */
export async function factsOf(file: Uint8Array<ArrayBuffer>): Promise<ProofFacts> {
  const receipt = await readReceipt(file);
  const { entry, proof, disclosed } = receipt;
  return {
    kind: `${textOf(entry["cat"])}.${textOf(entry["sub"])}`,
    at: textOf(entry["t_server_utc"]),
    role: textOf(entry["role"]),
    number: Number(entry["case_seq"]),
    caseId: textOf(disclosed["case"]?.value) || null,
    entrySha256: toHex(await sha256(receipt.entryBytes)),
    index: proof.index,
    size: proof.checkpoint.size,
    root: proof.checkpoint.rootText,
    origin: proof.checkpoint.origin,
    witnesses: receipt.witnesses.map((key) => ({ name: key.name, at: seenAt(receipt, key) })),
    stampedAt: receipt.stamp?.at ?? null,
  };
}
