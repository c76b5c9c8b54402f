import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeChannel, FakeClock, FakePeer, FakeTrack } from "./fakes";
import { RoomClient } from "./room_client";
import { Refusal } from "./words";

const OFFER = "v=0\na=fingerprint:sha-256 AA\nmid:0\n";

describe("a place in the media room", () => {
  let clock: FakeClock;
  let channel: FakeChannel;
  let refusal: Refusal | null;
  let client: RoomClient;
  const tracks = () => ({ microphone: new FakeTrack("audio").as(), camera: new FakeTrack("video").as() });

  beforeEach(() => {
    vi.stubGlobal("MediaStream", class {});
    FakePeer.made = [];
    clock = new FakeClock();
    channel = new FakeChannel();
    refusal = null;
    const seated = channel.answers["room_join"];
    channel.answers["room_join"] = (body) => {
      if (refusal) throw refusal;
      return seated?.(body);
    };
    client = new RoomClient({
      channel,
      clock,
      identity: () => "per_me",
      createPeer: () => new FakePeer().as(),
      sendableCodecs: () => undefined,
    });
  });

  /** What the server says of the room to somebody it still knows. */
  const knows = (...sources: string[]): void => {
    const tracks = sources.map((source) => ({ source, kind: "video", muted: false, by_court: false }));
    channel.answers["room_join"] = () => ({ seat: "again", room: { participants: [{ identity: "per_me", tracks }], held: false }, ice_servers: [{ urls: "turn:relay" }] });
  };
  const drop = (): void => {
    channel.isUp.set(false);
    channel.isUp.set(true);
  };

  it("publishes microphone and camera with one offer that names both", async () => {
    await client.join(tracks());
    expect(client.state.value).toBe("in");
    const published = channel.sent.filter(({ command }) => command === "track_publish");
    expect(published).toHaveLength(1);
    expect(published[0]?.body["sources"]).toEqual({ 0: "microphone", 1: "camera" });
  });

  it("answers an offer that overtook the ack of the join", async () => {
    channel.answers["room_join"] = () => {
      channel.say("subscription_offered", { version: 1, sdp: OFFER, tracks: [{ mid: "0", identity: "per_a", source: "camera", kind: "video" }] });
      return { seat: "s", room: { participants: [], held: false }, ice_servers: [] };
    };
    await client.join(tracks());
    await clock.advance(0);
    expect(channel.sent.find(({ command }) => command === "subscription_answer")?.body["version"]).toBe(1);
    expect([...client.remote.value.keys()]).toEqual(["per_a/camera"]);
  });

  it("tells the caller when the court does not let this person in", async () => {
    refusal = new Refusal("hearing.not_admitted", "not admitted", false);
    await expect(client.join(tracks())).rejects.toBe(refusal);
    expect(client.state.value).toBe("out");
  });

  it("keeps trying, ever more gently, while the server is in trouble, and gets its seat", async () => {
    refusal = new Refusal("unavailable", "", true);
    await client.join(tracks());
    expect(client.state.value).toBe("returning");
    await clock.advance(60_000);
    expect(channel.count("room_join")).toBeGreaterThan(6);
    expect(channel.count("room_join")).toBeLessThan(16); // not a drum roll on a server that is down
    refusal = null;
    await clock.advance(8_000);
    expect(client.state.value).toBe("in");
    expect(client.seatings.value).toBe(1);
  });

  it("keeps its links when only the socket broke: a new seat, the same media, and no word to the person", async () => {
    await client.join(tracks());
    const [up] = FakePeer.made;
    up!.become("connected");
    knows("microphone", "camera");
    const states: string[] = [];
    client.state.watch((state) => states.push(state));
    drop();
    await clock.advance(10_000);
    expect(channel.count("room_join")).toBe(2);
    expect(FakePeer.made).toHaveLength(1);
    expect(up!.restarts).toBe(0);
    expect(channel.count("track_publish")).toBe(1);
    expect(channel.count("subscription_restart")).toBe(0); // whoever sits down is offered a way down unasked
    expect(states).toEqual([]);
    expect(client.seatings.value).toBe(2);
    expect(up!.servers).toEqual([{ urls: "turn:relay" }]);
  });

  it("mends a link that died while the socket was away, at once and without a new transport", async () => {
    await client.join(tracks());
    const [up] = FakePeer.made;
    up!.become("connected");
    knows("microphone", "camera");
    channel.isUp.set(false);
    up!.become("failed");
    channel.isUp.set(true);
    await clock.advance(0);
    expect(FakePeer.made).toHaveLength(1);
    expect(up!.restarts).toBe(1);
  });

  it("does not believe a link that looks well after the network changed", async () => {
    await client.join(tracks());
    const [up] = FakePeer.made;
    up!.become("connected");
    knows("microphone", "camera");
    channel.isUp.set(false);
    client.networkChanged();
    channel.isUp.set(true);
    await clock.advance(0);
    expect(up!.restarts).toBe(1);
  });

  it("publishes the same tracks on new links when a restarted server knows nothing of them", async () => {
    await client.join(tracks());
    FakePeer.made[0]!.become("connected");
    knows("microphone");
    drop();
    await clock.advance(1_000);
    expect(FakePeer.made).toHaveLength(2);
    expect(channel.count("track_publish")).toBe(2);
    expect(client.state.value).toBe("in");
  });

  it("answers the first offer of a server that counts from one again", async () => {
    const offer = (version: number): void => channel.say("subscription_offered", { version, sdp: OFFER, tracks: [] });
    await client.join({});
    offer(7);
    await clock.advance(0);
    channel.answers["room_join"] = () => {
      offer(1);
      return { seat: "s", room: { participants: [{ identity: "per_me", tracks: [] }], held: false }, ice_servers: [] };
    };
    drop();
    await clock.advance(1_000);
    const answered = channel.sent.filter(({ command }) => command === "subscription_answer").map(({ body }) => body["version"]);
    expect(answered).toEqual([7, 1]);
  });

  it("says with the next seat what it could not say without a socket", async () => {
    await client.join(tracks());
    await client.publish("screen", new FakeTrack("video").as());
    knows("microphone", "camera", "screen");
    channel.isUp.set(false);
    await expect(client.withdraw("screen")).rejects.toThrow();
    channel.isUp.set(true);
    await clock.advance(1_000);
    expect(channel.sent.filter(({ command }) => command === "track_publish").at(-1)?.body["sources"]).toEqual({ 0: "microphone", 1: "camera" });
  });

  it("rests the layers the server names, and tells which pictures are sent", async () => {
    await client.join({ camera: new FakeTrack("video", { width: 1280, height: 720 }).as() });
    channel.say("layers_wanted", { source: "camera", rids: ["q"] });
    await clock.advance(0);
    expect(FakePeer.made[0]!.getTransceivers()[0]!.encodings.map(({ active }) => active)).toEqual([true, false, false]);
    channel.say("pictures_changed", { shown: [["per_a", "camera"]], because: "network" });
    expect(client.pictures.value).toEqual({ shown: [["per_a", "camera"]], because: "network" });
    await client.leave();
    expect(client.pictures.value).toBeNull();
  });

  it("goes ICE restart, fresh transport, new seat when the way up stays dead", async () => {
    await client.join(tracks());
    const up = FakePeer.made[0]!;
    up.become("connected");
    up.become("failed");
    await clock.advance(0);
    expect(up.restarts).toBe(1);
    await clock.advance(4_000);
    expect(FakePeer.made).toHaveLength(2); // a fresh transport on the same seat
    expect(channel.count("room_join")).toBe(1);
    FakePeer.made[1]!.become("failed");
    await clock.advance(12_000);
    expect(channel.count("room_join")).toBe(2);
  });

  it("stays out when the court removed the person, until asked to sit down again", async () => {
    await client.join(tracks());
    channel.say("seat_ended", { reason: "removed" });
    await clock.advance(60_000);
    expect(client.state.value).toBe("ended");
    expect(client.endReason.value).toBe("removed");
    expect(channel.count("room_join")).toBe(1);
    await client.join({});
    expect(client.state.value).toBe("in");
    expect(channel.count("room_join")).toBe(2);
  });

  it("does not take the end of its own old seat for a takeover", async () => {
    await client.join(tracks());
    channel.answers["room_join"] = () => {
      channel.say("seat_ended", { reason: "replaced" });
      return { seat: "new seat", room: { participants: [], held: false }, ice_servers: [] };
    };
    drop();
    await clock.advance(1_000);
    channel.say("seat_ended", { seat: "seat", reason: "replaced" });
    await clock.advance(1_000);
    expect(client.state.value).toBe("in");
    channel.say("seat_ended", { seat: "new seat", reason: "replaced" });
    expect(client.state.value).toBe("ended");
  });

  it("comes back by itself when the seat ended for a fault", async () => {
    await client.join(tracks());
    channel.say("seat_ended", { reason: "timeout" });
    await clock.advance(1_000);
    expect(client.state.value).toBe("in");
    expect(channel.count("room_join")).toBe(2);
  });

  it("never comes back after leaving, whatever the socket does", async () => {
    await client.join(tracks());
    await client.leave();
    channel.isUp.set(false);
    channel.isUp.set(true);
    channel.say("seat_ended", { reason: "timeout" });
    await clock.advance(60_000);
    expect(client.state.value).toBe("out");
    expect(channel.count("room_join")).toBe(1);
    expect(channel.count("room_leave")).toBe(1);
  });
});
