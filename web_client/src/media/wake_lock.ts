/** Keeps the screen on while a person waits or is heard; browsers drop the lock whenever the page is hidden. */
import { Observable } from "./observable";

type LockSource = Pick<WakeLock, "request"> | undefined;

export class StayAwake {
  /** `unsupported`: the page must ask the person to keep the screen on. */
  readonly state = new Observable<"off" | "on" | "unsupported">("off");
  private lock: WakeLockSentinel | null = null;
  private isWanted = false;
  private readonly onVisible = (): void => {
    if (this.isWanted && this.page.visibilityState === "visible") void this.acquire();
  };

  constructor(
    private readonly source: LockSource = navigator.wakeLock as LockSource,
    private readonly page: Document = document,
  ) {
    page.addEventListener("visibilitychange", this.onVisible);
  }

  async start(): Promise<void> {
    this.isWanted = true;
    await this.acquire();
  }

  async stop(): Promise<void> {
    this.isWanted = false;
    const lock = this.lock;
    this.lock = null;
    this.state.set("off");
    await lock?.release().catch(() => undefined);
  }

  close(): void {
    this.page.removeEventListener("visibilitychange", this.onVisible);
    void this.stop();
  }

  private async acquire(): Promise<void> {
    if (!this.source) return this.state.set("unsupported");
    if (this.lock && !this.lock.released) return;
    try {
      const lock = await this.source.request("screen");
      if (!this.isWanted) return void (await lock.release());
      this.lock = lock;
      this.state.set("on");
      lock.addEventListener("release", () => {
        if (this.lock === lock) this.state.set("off");
      });
    } catch {
      // Low battery and hidden pages are refused; the next "visible" asks again.
      this.state.set("off");
    }
  }
}
