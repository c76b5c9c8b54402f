import { beforeEach, describe, expect, it } from "vitest";
import { FakeClock } from "./fakes";
import { ASK_AGAIN_MS, DOUBT_MS, FIRST_CONNECT_MS, FRESH_MS, ICE_RESTART_MS, LinkLadder } from "./link_ladder";
import { Refusal } from "./words";

describe("the ladder of a link", () => {
  let clock: FakeClock;
  let steps: string[];
  let ladder: LinkLadder;
  let refuses: boolean;

  beforeEach(() => {
    clock = new FakeClock();
    steps = [];
    refuses = false;
    const step = (name: string) => async (): Promise<void> => {
      steps.push(name);
      if (refuses) throw new Error("refused");
    };
    ladder = new LinkLadder(clock, { restartIce: step("ice"), fresh: step("fresh"), rejoin: () => steps.push("rejoin") });
    ladder.linkChanged("connecting");
    ladder.linkChanged("connected");
  });

  it("lets a hole shorter than the doubt pass without a word", async () => {
    ladder.linkChanged("disconnected");
    await clock.advance(DOUBT_MS - 1);
    ladder.linkChanged("connected");
    await clock.advance(60_000);
    expect(steps).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it("restarts ICE, then builds afresh, then sits down again, each after its time", async () => {
    ladder.linkChanged("disconnected");
    await clock.advance(DOUBT_MS);
    expect(steps).toEqual(["ice"]);
    await clock.advance(ICE_RESTART_MS);
    expect(steps).toEqual(["ice", "fresh"]);
    await clock.advance(FRESH_MS);
    expect(steps).toEqual(["ice", "fresh", "rejoin"]);
  });

  it("stops climbing as soon as the link is back", async () => {
    ladder.linkChanged("failed");
    await clock.advance(ICE_RESTART_MS / 2);
    ladder.linkChanged("connected");
    await clock.advance(60_000);
    expect(steps).toEqual(["ice"]);
    expect(ladder.rung.value).toBe("steady");
  });

  it("restarts ICE at once when the network changed, and only once while that runs", async () => {
    ladder.networkChanged();
    ladder.networkChanged();
    expect(steps).toEqual(["ice"]);
    await clock.advance(ICE_RESTART_MS);
    expect(ladder.rung.value).toBe("steady"); // the state never left "connected"
  });

  it("climbs at once when a step is refused", async () => {
    refuses = true;
    ladder.linkChanged("failed");
    await clock.advance(0);
    expect(steps).toEqual(["ice", "fresh", "rejoin"]);
  });

  it("waits for the socket, for without it nothing can be negotiated", async () => {
    ladder.signallingChanged(false);
    ladder.linkChanged("disconnected");
    ladder.linkChanged("failed");
    await clock.advance(60_000);
    expect(steps).toEqual([]);
    ladder.signallingChanged(true);
    expect(steps).toEqual(["ice"]);
  });

  it("holds a climb that had begun when the socket goes", async () => {
    ladder.linkChanged("disconnected");
    ladder.signallingChanged(false);
    await clock.advance(60_000);
    expect(steps).toEqual([]);
  });

  it("builds nothing afresh while the server hears nothing: a line that is down may heal by itself", async () => {
    const asked: number[] = [];
    const deaf = new LinkLadder(clock, {
      restartIce: async () => {
        asked.push(clock.nowMs());
        throw new Refusal("network.timeout", "", true);
      },
      fresh: async () => void steps.push("fresh"),
      rejoin: () => steps.push("rejoin"),
    });
    deaf.linkChanged("connected");
    deaf.linkChanged("failed");
    await clock.advance(15_000);
    expect(steps).toEqual([]);
    expect(asked.length).toBeGreaterThan(15_000 / (ICE_RESTART_MS + ASK_AGAIN_MS));
    deaf.linkChanged("connected");
    await clock.advance(60_000);
    expect(deaf.rung.value).toBe("steady");
  });

  it("builds nothing afresh either while the question hangs", async () => {
    const hanging = new LinkLadder(clock, { restartIce: () => new Promise(() => undefined), fresh: async () => void steps.push("fresh"), rejoin: () => undefined });
    hanging.linkChanged("connected");
    hanging.linkChanged("failed");
    await clock.advance(20_000);
    expect(steps).toEqual([]);
  });

  it("remembers a network that changed while the socket was down", () => {
    ladder.signallingChanged(false);
    ladder.networkChanged();
    ladder.signallingChanged(true);
    expect(steps).toEqual(["ice"]);
  });

  it("asks again when the socket died with the old network and the question with it", async () => {
    const asked: number[] = [];
    let isReached = false;
    const moved = new LinkLadder(clock, {
      restartIce: async () => {
        asked.push(clock.nowMs());
        if (!isReached) throw new Refusal("network.timeout", "", true);
      },
      fresh: async () => void steps.push("fresh"),
      rejoin: () => steps.push("rejoin"),
    });
    moved.linkChanged("connected");
    moved.networkChanged(); // the browser still says "connected", for seconds
    await clock.advance(100);
    moved.signallingChanged(false);
    isReached = true;
    moved.signallingChanged(true);
    expect(asked.length).toBe(2);
    await clock.advance(60_000);
    expect(asked.length).toBe(2);
    expect(moved.rung.value).toBe("steady");
    expect(steps).toEqual([]);
  });

  it("asks for no second restart when the server restarts by itself, but watches it", async () => {
    ladder.signallingChanged(false);
    ladder.linkChanged("failed");
    ladder.signallingChanged(true, true);
    expect(steps).toEqual([]);
    await clock.advance(ICE_RESTART_MS);
    expect(steps).toEqual(["fresh"]);
  });

  it("leaves a living link alone when the socket comes back", () => {
    ladder.signallingChanged(false);
    ladder.signallingChanged(true);
    expect(steps).toEqual([]);
  });

  it("does not wait for ever for the first connection", async () => {
    const first = new LinkLadder(clock, { restartIce: async () => void steps.push("first ice"), fresh: async () => undefined, rejoin: () => undefined });
    first.linkChanged("connecting");
    await clock.advance(FIRST_CONNECT_MS);
    expect(steps).toEqual(["first ice"]);
  });
});
