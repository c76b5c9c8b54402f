/**
 * One tab of a person sends; the others hand their messages over through the shared shelf. A lock of the browser decides,
 * and a tab that is looked at takes it from one that doesn't answer: phones put hidden pages to sleep with the lock in hand.
 */

export interface TabNews {
  /** The shelf has changed. */
  kind: "changed";
}
export interface TabSaved {
  kind: "saved";
  clientId: string;
  seq: number;
}
type Said = TabNews | TabSaved | { kind: "alive?" } | { kind: "alive" };

export interface TabLeaderOptions {
  name: string;
  /** Leading, or not any more. */
  onLead: (isLeading: boolean) => void;
  onSaid: (said: TabNews | TabSaved) => void;
  /** Whether this tab could send now: one without a connection does not defend its lead. */
  isAble: () => boolean;
}

/** A tab that runs answers within this, be it busy; one that sleeps never does. */
const ANSWER_WITHIN_MS = 1_500;

export class TabLeader {
  private readonly channel: BroadcastChannel | null;
  private isLeading = false;
  private isClosed = false;
  private release: (() => void) | null = null;
  private doubt: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly options: TabLeaderOptions) {
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(options.name);
    this.channel?.addEventListener("message", ({ data }: MessageEvent<Said>) => this.heard(data));
  }

  start(): void {
    // Without locks every tab sends its own: the server gives a repeat the first answer.
    if (!navigator.locks) this.lead(true);
    else this.queue({});
  }

  /** Tell the other tabs. */
  say(said: TabNews | TabSaved): void {
    this.channel?.postMessage(said);
  }

  /** There is something to send, and somebody looks at this tab: whoever leads must be awake. */
  need(): void {
    if (this.isLeading || this.isClosed || this.doubt !== null || !navigator.locks || document.visibilityState === "hidden") return;
    this.doubt = setTimeout(() => {
      this.doubt = null;
      if (!this.isLeading && !this.isClosed) this.queue({ steal: true });
    }, ANSWER_WITHIN_MS);
    this.channel?.postMessage({ kind: "alive?" } satisfies Said);
  }

  close(): void {
    this.isClosed = true;
    this.trust();
    this.release?.();
    this.channel?.close();
  }

  private queue(how: { steal?: boolean }): void {
    void navigator.locks
      .request(this.options.name, how, () => {
        if (this.isClosed) return undefined;
        this.lead(true);
        return new Promise<void>((resolve) => (this.release = resolve));
      })
      .then(
        () => this.lead(false),
        () => {
          // Taken by a tab that somebody looks at: wait in line again.
          this.lead(false);
          if (!this.isClosed && how.steal !== true) this.queue({});
        },
      );
  }

  private lead(isLeading: boolean): void {
    if (this.isLeading === isLeading) return;
    this.isLeading = isLeading;
    if (!isLeading) this.release = null;
    this.options.onLead(isLeading && !this.isClosed);
  }

  private heard(said: Said): void {
    if (this.isClosed) return;
    if (said.kind === "alive?") {
      if (this.isLeading && this.options.isAble()) this.channel?.postMessage({ kind: "alive" } satisfies Said);
    } else if (said.kind === "alive") {
      this.trust();
    } else {
      this.options.onSaid(said);
    }
  }

  private trust(): void {
    if (this.doubt !== null) clearTimeout(this.doubt);
    this.doubt = null;
  }
}
