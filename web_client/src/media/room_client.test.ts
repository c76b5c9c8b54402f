import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeChannel, FakeClock, FakePeer, FakeTrack } from "./fakes";
import { RoomClient } from "./room_client";
import { Refusal } from "./words";

const OFFER = "v=0\na=fingerprint:sha-256 AA\nmid:0\n";

describe("a place in the media room", () => {
  let clock: FakeClock;
  let channel: FakeChannel;
  let grants: number;
  let asked: number;
  let refusal: Refusal | null;
  let client: RoomClient;
  const tracks = () => ({ microphone: new FakeTrack("audio").as(), camera: new FakeTrack("video").as() });

  beforeEach(() => {
    vi.stubGlobal("MediaStream", class {});
    FakePeer.made = [];
    clock = new FakeClock();
    channel = new FakeChannel();
    grants = 0;
    asked = 0;
    refusal = null;
    client = new RoomClient({
      channel,
      clock,
      fetchGrant: async () => {
        asked += 1;
        if (refusal) throw refusal;
        grants += 1;
        return { grant: `grant ${grants}`, expires_in_s: 60, seat_key: "key" };
      },
      createPeer: () => new FakePeer().as(),
      sendableCodecs: () => undefined,
    });
  });

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
    expect(asked).toBeGreaterThan(6);
    expect(asked).toBeLessThan(16); // not a drum roll on a server that is down
    refusal = null;
    await clock.advance(8_000);
    expect(client.state.value).toBe("in");
    expect(grants).toBe(1);
  });

  it("asks only for a fresh way down when the socket came back and the seat is still ours", async () => {
    await client.join(tracks());
    channel.isUp.set(false);
    channel.isUp.set(true);
    await clock.advance(10_000);
    expect(channel.count("subscription_restart")).toBe(1);
    expect(grants).toBe(1);
    expect(client.state.value).toBe("in");
  });

  it("sits down again with a new grant when the seat is gone, and publishes the same tracks", async () => {
    await client.join(tracks());
    channel.answers["subscription_restart"] = () => {
      throw new Refusal("seat.unknown", "", true);
    };
    channel.isUp.set(false);
    channel.isUp.set(true);
    await clock.advance(1_000);
    expect(grants).toBe(2);
    expect(channel.count("track_publish")).toBe(2);
    expect(client.state.value).toBe("in");
  });

  it("mends nothing on a seat that a restarted server does not know: one question, then a new seat", async () => {
    await client.join(tracks());
    FakePeer.made[0]!.become("connected");
    channel.isUp.set(false);
    FakePeer.made[0]!.become("failed");
    channel.answers["subscription_restart"] = () => {
      throw new Refusal("seat.none", "", true);
    };
    channel.isUp.set(true);
    await clock.advance(2_000);
    expect(channel.count("subscription_restart")).toBe(1);
    expect(channel.count("track_publish")).toBe(2);
    expect(client.state.value).toBe("in");
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
    expect(grants).toBe(1);
    FakePeer.made[1]!.become("failed");
    await clock.advance(12_000);
    expect(grants).toBe(2);
  });

  it("stays out when the court removed the person, until asked to sit down again", async () => {
    await client.join(tracks());
    channel.say("seat_ended", { reason: "removed" });
    await clock.advance(60_000);
    expect(client.state.value).toBe("ended");
    expect(client.endReason.value).toBe("removed");
    expect(grants).toBe(1);
    await client.join({});
    expect(client.state.value).toBe("in");
    expect(grants).toBe(2);
  });

  it("does not take the end of its own old seat for a takeover", async () => {
    await client.join(tracks());
    channel.answers["subscription_restart"] = () => {
      throw new Refusal("seat.none", "", true);
    };
    channel.answers["room_join"] = () => {
      channel.say("seat_ended", { reason: "replaced" });
      return { seat: "new seat", room: { participants: [], held: false }, ice_servers: [] };
    };
    channel.isUp.set(false);
    channel.isUp.set(true);
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
    expect(grants).toBe(2);
  });

  it("never comes back after leaving, whatever the socket does", async () => {
    await client.join(tracks());
    await client.leave();
    channel.isUp.set(false);
    channel.isUp.set(true);
    channel.say("seat_ended", { reason: "timeout" });
    await clock.advance(60_000);
    expect(client.state.value).toBe("out");
    expect(grants).toBe(1);
    expect(channel.count("room_leave")).toBe(1);
  });
});
