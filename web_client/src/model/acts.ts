/** The log of acts as its readers see it. */

export interface Act {
  case_seq: number;
  act_id: string;
  kind: string;
  at: string;
  actor: { id: string; name: string } | string | null;
  role: string | null;
  /** What the act speaks of, as data; words are made from `kind` and this. */
  summary: Record<string, unknown> | string;
  entry_sha256: string;
  prev: string;
  /** Who did it and what it says are not for this reader. */
  withheld?: boolean;
}
/** Somebody who vouches for the log: `code` is empty while all is well. */
export interface Vouching {
  name: string;
  key: string;
  size: number | null;
  code: string;
  since: string | null;
}
export interface LogStatus {
  size: number;
  signed_size: number;
  signed_at: string | null;
  signer: Vouching;
  witnesses: Vouching[];
  time_stamps: Vouching | null;
}
export interface ActLog {
  items: Act[];
  intact: boolean;
  broken_seq?: number | null;
}
