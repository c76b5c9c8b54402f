/** Reports how far one has received and read each lane: the highest numbers only, a few times a second at most. */

export interface ReceiptReport {
  lane: string;
  delivered_seq?: number;
  read_seq?: number;
}
interface Reach {
  delivered: number;
  read: number;
}

/** Several rows read in one look become one report. */
const GATHER_MS = 300;

export class ReceiptSender {
  private readonly told = new Map<string, Reach>();
  private readonly reached = new Map<string, Reach>();
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly send: (report: ReceiptReport) => Promise<unknown>) {}

  /** What the server knows already. */
  known(lane: string, reach: Reach): void {
    this.told.set(lane, this.higher(this.told.get(lane), reach));
  }

  delivered(lane: string, seq: number): void {
    this.raise(lane, { delivered: seq, read: 0 });
  }

  read(lane: string, seq: number): void {
    this.raise(lane, { delivered: seq, read: seq });
  }

  /** Report at once what has not been reported, e.g. when the connection is back. */
  async flush(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    for (const [lane, reach] of this.reached) {
      const told = this.told.get(lane) ?? { delivered: 0, read: 0 };
      const report: ReceiptReport = { lane };
      if (reach.delivered > told.delivered) report.delivered_seq = reach.delivered;
      if (reach.read > told.read) report.read_seq = reach.read;
      if (report.delivered_seq === undefined && report.read_seq === undefined) continue;
      this.told.set(lane, this.higher(told, reach));
      try {
        await this.send(report);
      } catch {
        // Not told after all; the next report or connection says it again.
        this.told.set(lane, told);
      }
    }
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private raise(lane: string, reach: Reach): void {
    this.reached.set(lane, this.higher(this.reached.get(lane), reach));
    this.timer ??= setTimeout(() => void this.flush(), GATHER_MS);
  }

  private higher(a: Reach | undefined, b: Reach): Reach {
    return { delivered: Math.max(a?.delivered ?? 0, b.delivered), read: Math.max(a?.read ?? 0, b.read) };
  }
}
