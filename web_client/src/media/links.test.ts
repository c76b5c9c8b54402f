import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakePeer, FakeTrack, settle } from "./fakes";
import { PublishLink } from "./publish_link";
import { SubscribeLink } from "./subscribe_link";
import { Refusal } from "./words";

beforeEach(() => {
  vi.stubGlobal("MediaStream", class {});
  FakePeer.made = [];
});

describe("the way up", () => {
  const offers: Record<string, string>[] = [];
  let fails = false;
  let link: PublishLink;
  beforeEach(() => {
    offers.length = 0;
    fails = false;
    link = new PublishLink({
      createPeer: () => new FakePeer().as(),
      sendableCodecs: (kind) => [{ mimeType: `${kind}/red`, clockRate: 1 }, { mimeType: "video/H264", clockRate: 1, sdpFmtpLine: "profile-level-id=640c1f" }, { mimeType: "video/VP8", clockRate: 1 }, { mimeType: "audio/opus", clockRate: 1 }],
      sendOffer: async (_sdp, sources) => {
        offers.push(sources);
        if (fails) throw new Refusal("network.timeout", "", true);
        return "answer";
      },
    });
  });

  it("prefers VP8 and leaves out profiles that cannot be laid side by side", async () => {
    await link.publish({ camera: new FakeTrack("video").as(), microphone: new FakeTrack("audio").as() });
    const [camera, microphone] = FakePeer.made[0]!.getTransceivers();
    expect(camera?.codecs.map(({ mimeType }) => mimeType)).toEqual(["video/VP8"]);
    expect(microphone?.codecs.map(({ mimeType }) => mimeType)).toEqual(["audio/opus", "audio/red"]);
  });

  it("sends three layers of a large camera and one of a small", async () => {
    await link.publish({ camera: new FakeTrack("video", { width: 720, height: 1280 }).as() });
    expect(FakePeer.made[0]!.getTransceivers()[0]?.init.sendEncodings?.map(({ rid }) => rid)).toEqual(["q", "h", "f"]);
    const small = new PublishLink({ createPeer: () => new FakePeer().as(), sendableCodecs: () => undefined, sendOffer: async () => "answer" });
    await small.publish({ camera: new FakeTrack("video").as() });
    expect(FakePeer.made[1]!.getTransceivers()[0]?.init.sendEncodings).toHaveLength(1);
  });

  it("swaps a track without a negotiation, as after a phone call", async () => {
    await link.publish({ camera: new FakeTrack("video").as() });
    const again = new FakeTrack("video").as();
    await link.publish({ camera: again });
    expect(offers).toHaveLength(1);
    expect(FakePeer.made[0]!.getTransceivers()[0]?.sender.track).toBe(again);
  });

  it("rests the layers nobody watches without a negotiation, and tells a fresh transport again", async () => {
    await link.publish({ camera: new FakeTrack("video", { width: 1280, height: 720 }).as() });
    const layers = (): unknown[] => FakePeer.made.at(-1)!.getTransceivers()[0]!.encodings.map(({ rid, active }) => [rid, active]);
    await link.layersWanted("camera", ["q"]);
    expect(layers()).toEqual([["q", true], ["h", false], ["f", false]]);
    expect(offers).toHaveLength(1);
    await link.rebuild();
    expect(layers()).toEqual([["q", true], ["h", false], ["f", false]]);
    await link.layersWanted("camera", []);
    expect(layers()).toEqual([["q", false], ["h", false], ["f", false]]);
    await link.layersWanted("camera", null);
    expect(layers()).toEqual([["q", true], ["h", true], ["f", true]]);
    await link.layersWanted("screen", ["f"]); // nothing shared: kept for later
  });

  it("takes a screen out of the room and brings another back into the same section", async () => {
    await link.publish({ camera: new FakeTrack("video").as() });
    await link.publish({ screen: new FakeTrack("video", { width: 1920, height: 1080 }).as() });
    await link.withdraw("screen");
    const second = new FakeTrack("video", { width: 1920, height: 1080 });
    await link.publish({ screen: second.as() });
    expect(offers).toEqual([{ 0: "camera" }, { 0: "camera", 1: "screen" }, { 0: "camera" }, { 0: "camera", 1: "screen" }]);
    expect(FakePeer.made[0]!.getTransceivers()).toHaveLength(2);
    expect(second.contentHint).toBe("detail");
  });

  it("says again what the server never heard", async () => {
    const camera = new FakeTrack("video").as();
    await link.publish({ camera });
    await link.publish({ screen: new FakeTrack("video").as() });
    fails = true;
    await expect(link.withdraw("screen")).rejects.toThrow();
    fails = false;
    await link.publish({ camera });
    expect(offers.at(-1)).toEqual({ 0: "camera" });
  });

  it("survives an offer that got no answer: the next one is made afresh", async () => {
    fails = true;
    await expect(link.publish({ camera: new FakeTrack("video").as() })).rejects.toThrow();
    fails = false;
    await link.restartIce();
    await link.rebuild();
    expect(offers.at(-1)).toEqual({ 0: "camera" });
    expect(FakePeer.made.at(-1)!.signalingState).toBe("stable");
  });

  it("takes an ICE restart back when it was refused, so that another can follow", async () => {
    await link.publish({ camera: new FakeTrack("video").as() });
    fails = true;
    await expect(link.restartIce()).rejects.toThrow();
    expect(FakePeer.made[0]!.signalingState).toBe("stable");
    fails = false;
    await link.restartIce();
    expect(FakePeer.made).toHaveLength(1);
  });
});

describe("the way down", () => {
  const offer = (version: number, tracks: { mid: string; identity: string }[], fingerprint = "AA") => ({
    version,
    sdp: `a=fingerprint:sha-256 ${fingerprint}\n${tracks.map(({ mid }) => `mid:${mid}`).join("\n")}`,
    tracks: tracks.map(({ mid, identity }) => ({ mid, identity, source: "camera" as const, kind: "video" as const })),
  });
  let answered: number[];
  let broken: unknown[];
  let stale = false;
  let link: SubscribeLink;
  beforeEach(() => {
    answered = [];
    broken = [];
    stale = false;
    link = new SubscribeLink({
      createPeer: () => new FakePeer().as(),
      sendAnswer: async (version) => {
        if (stale) throw new Refusal("answer.stale", "", false);
        answered.push(version);
      },
      onBroken: (error) => broken.push(error),
    });
  });

  it("knows whose picture a line carries by its mid, also when the line is given to somebody else", async () => {
    await link.offered(offer(1, [{ mid: "0", identity: "per_a" }, { mid: "1", identity: "per_b" }]));
    const line = link.tracks.value.get("per_a/camera")?.track;
    await link.offered(offer(2, [{ mid: "0", identity: "per_c" }, { mid: "1", identity: "per_b" }]));
    expect([...link.tracks.value.keys()].sort()).toEqual(["per_b/camera", "per_c/camera"]);
    expect(link.tracks.value.get("per_c/camera")?.track).toBe(line);
    expect(answered).toEqual([1, 2]);
  });

  it("answers the newest of several waiting offers and drops older ones", async () => {
    void link.offered(offer(1, [{ mid: "0", identity: "per_a" }]));
    void link.offered(offer(3, [{ mid: "0", identity: "per_c" }]));
    void link.offered(offer(2, [{ mid: "0", identity: "per_b" }]));
    await settle();
    expect(answered).toEqual([3]);
  });

  it("builds a fresh peer when the server's transport is another one", async () => {
    await link.offered(offer(1, [{ mid: "0", identity: "per_a" }], "AA"));
    await link.offered(offer(2, [{ mid: "0", identity: "per_a" }], "BB"));
    expect(FakePeer.made).toHaveLength(2);
    expect(FakePeer.made[0]!.connectionState).toBe("closed");
  });

  it("says when an offer could not be applied, but not when it was merely overtaken", async () => {
    await link.offered({ version: 1, sdp: "broken", tracks: [] });
    expect(broken).toHaveLength(1);
    stale = true;
    await link.offered(offer(2, [{ mid: "0", identity: "per_a" }]));
    expect(broken).toHaveLength(1);
  });
});
