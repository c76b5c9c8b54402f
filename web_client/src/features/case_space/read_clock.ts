/**
 * When something counts as read: its row in sight, the page visible and in focus, for one second on end.
 * Pure; the caller says what is in sight and what time it is.
 */

export const READ_AFTER_MS = 1_000;

export class ReadClock {
  private readonly since = new Map<number, number>();
  private highest = 0;

  /** Rows in sight now; the highest seq read so far when it grew, else null. */
  look(seqs: readonly number[], isAttended: boolean, nowMs: number): number | null {
    for (const seq of this.since.keys()) if (!isAttended || !seqs.includes(seq)) this.since.delete(seq);
    if (!isAttended) return null;
    let read = this.highest;
    for (const seq of seqs) {
      const since = this.since.get(seq) ?? nowMs;
      this.since.set(seq, since);
      if (nowMs - since >= READ_AFTER_MS) read = Math.max(read, seq);
    }
    if (read === this.highest) return null;
    this.highest = read;
    return read;
  }
}
