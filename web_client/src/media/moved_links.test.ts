import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeChannel, FakeClock, FakePeer, FakeTrack } from "./fakes";
import { MOVED_LIMIT_MS, type MovedDoor } from "./moved_links";
import { RoomClient } from "./room_client";

const OFFER = "a=fingerprint:sha-256 AA\r\na=mid:0\r\n";
let clock: FakeClock;
let channel: FakeChannel;
let client: RoomClient;
let posted: { what: string; body: Record<string, unknown>; signal: AbortSignal }[];
let answerMoved: () => Promise<{ sdp: string | null; offer: { version: number; sdp: string; tracks: never[] } | null }>;

const door: MovedDoor = {
  moved: (body, signal) => {
    posted.push({ what: "moved", body, signal });
    return answerMoved();
  },
  answer: async (body, signal) => void posted.push({ what: "answer", body, signal }),
};

beforeEach(async () => {
  vi.stubGlobal("MediaStream", class {});
  FakePeer.made = [];
  clock = new FakeClock();
  channel = new FakeChannel();
  posted = [];
  answerMoved = async () => ({ sdp: "answer", offer: { version: 9, sdp: OFFER, tracks: [] } });
  client = new RoomClient({
    channel,
    door,
    clock,
    identity: () => "per_me",
    createPeer: () => new FakePeer().as(),
    sendableCodecs: () => undefined,
  });
  await client.join({ microphone: new FakeTrack("audio").as() });
  channel.say("subscription_offered", { version: 1, sdp: OFFER, tracks: [] });
  await clock.advance(0);
  for (const peer of FakePeer.made) peer.become("connected");
  channel.answers["room_join"] = () => ({
    seat: "next seat",
    room: { participants: [{ identity: "per_me", tracks: [{ source: "microphone" }] }], held: false },
    ice_servers: [],
  });
});

describe("moved links", () => {
  it("restart ICE both ways while the socket is away, and are not restarted again when it is back", async () => {
    channel.isUp.set(false);
    client.networkChanged();
    await clock.advance(0);
    expect(posted.map(({ what, body }) => [what, body["seat"]])).toEqual([["moved", "seat"], ["answer", "seat"]]);
    expect(posted[0]?.body["sources"]).toEqual({ 0: "microphone" });
    expect(posted[1]?.body["version"]).toBe(9);
    const [up] = FakePeer.made;
    expect(up?.restarts).toBe(1);
    channel.isUp.set(true);
    await clock.advance(10_000);
    expect(channel.count("room_join")).toBe(2);
    expect(up?.restarts).toBe(1);
    expect(channel.count("track_publish")).toBe(1);
    expect(FakePeer.made).toHaveLength(2);
    expect(client.rungs.value).toEqual({ up: "steady", down: "steady" });
  });

  it("wait for the socket when nobody answers, and are mended by it", async () => {
    answerMoved = () => Promise.reject(new Error("no line"));
    channel.isUp.set(false);
    client.networkChanged();
    await clock.advance(0);
    channel.isUp.set(true);
    await clock.advance(0);
    expect(FakePeer.made[0]?.restarts).toBe(2);
    expect(channel.count("track_publish")).toBeGreaterThan(1);
    expect(client.state.value).toBe("in");
  });

  it("leave the word to the socket once it is back", async () => {
    answerMoved = () =>
      new Promise((_, reject) => posted[0]?.signal.addEventListener("abort", () => reject(new Error("aborted"))));
    channel.isUp.set(false);
    client.networkChanged();
    await clock.advance(100);
    channel.isUp.set(true);
    await clock.advance(0);
    expect(posted[0]?.signal.aborted).toBe(true);
    expect(channel.count("track_publish")).toBeGreaterThan(1);
    expect(posted.map(({ what }) => what)).toEqual(["moved"]);
  });

  it("give up after a while, and say nothing through a socket that is up", async () => {
    client.networkChanged();
    await clock.advance(0);
    expect(posted).toEqual([]);
    answerMoved = () => new Promise(() => undefined);
    channel.isUp.set(false);
    client.networkChanged();
    await clock.advance(MOVED_LIMIT_MS + 1);
    expect(posted[0]?.signal.aborted).toBe(true);
  });
});
