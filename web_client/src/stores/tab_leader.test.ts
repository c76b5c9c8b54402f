import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TabLeader } from "./tab_leader";

/** The browser's locks as far as they are used: one holder, a line, and taking by force. */
class Locks {
  private holder: { end: () => void; broken: () => void } | null = null;
  private readonly line: (() => void)[] = [];

  request(_name: string, how: { steal?: boolean }, work: () => Promise<void> | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const hold = (): void => {
        const own = { end: (): void => undefined, broken: () => reject(new DOMException("stolen", "AbortError")) };
        this.holder = own;
        void Promise.resolve(work()).then(() => {
          if (this.holder !== own) return;
          this.holder = null;
          resolve();
          this.line.shift()?.();
        });
      };
      if (how.steal) {
        this.holder?.broken();
        hold();
      } else if (this.holder) {
        this.line.push(hold);
      } else {
        hold();
      }
    });
  }
}

const channels = new Set<Channel>();
class Channel extends EventTarget {
  isAsleep = false;
  constructor(readonly name: string) {
    super();
    channels.add(this);
  }
  postMessage(data: unknown): void {
    for (const other of channels) if (other !== this && other.name === this.name && !other.isAsleep) other.dispatchEvent(new MessageEvent("message", { data }));
  }
  close(): void {
    channels.delete(this);
  }
}

let leads: Record<string, boolean>;
let able: Record<string, boolean>;
function tab(name: string): TabLeader {
  able[name] = true;
  const one = new TabLeader({ name: "x", onLead: (isLeading) => (leads[name] = isLeading), onSaid: () => undefined, isAble: () => able[name] === true });
  one.start();
  return one;
}
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  leads = {};
  able = {};
  channels.clear();
  vi.stubGlobal("BroadcastChannel", Channel);
  Object.defineProperty(navigator, "locks", { configurable: true, value: new Locks() });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  Reflect.deleteProperty(navigator, "locks");
});

describe("tab leader", () => {
  it("is one of several tabs, and the next when it is closed", async () => {
    const first = tab("first");
    const second = tab("second");
    await settle();
    expect(leads).toEqual({ first: true });
    first.close();
    await settle();
    expect(leads).toEqual({ first: false, second: true });
    second.close();
  });

  it("stays where it is while the leader answers", async () => {
    tab("first");
    const second = tab("second");
    await settle();
    second.need();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(leads).toEqual({ first: true });
  });

  it.each(["asleep", "without a connection"])("goes to the tab that is looked at when the leader is %s", async (why) => {
    tab("first");
    const second = tab("second");
    await settle();
    if (why === "asleep") [...channels][0]!.isAsleep = true;
    else able["first"] = false;
    second.need();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(leads).toEqual({ first: false, second: true });
    second.close();
    await settle();
    expect(leads["first"]).toBe(true);
  });

  it("is every tab where the browser has no locks", () => {
    Reflect.deleteProperty(navigator, "locks");
    Object.defineProperty(navigator, "locks", { configurable: true, value: undefined });
    tab("first");
    tab("second");
    expect(leads).toEqual({ first: true, second: true });
  });
});
