import { describe, expect, it } from "vitest";
import { activeLayers, orderedCodecs, sendEncodings, withOpusFec } from "./encodings";

describe("what is sent", () => {
  it("has layers only where the smallest is still a face", () => {
    expect(sendEncodings("camera", 720).map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual([4, 2, 1]);
    expect(sendEncodings("camera", 480)).toHaveLength(1);
    expect(sendEncodings("screen", 1080)).toHaveLength(1);
  });

  it("gives the voice the first right to a narrow line", () => {
    expect(sendEncodings("microphone", 0)[0]?.priority).toBe("high");
    expect(sendEncodings("camera", 480)[0]?.priority).toBeUndefined();
  });

  it("runs only the layers that somebody watches", () => {
    const layers = [{ rid: "q" }, { rid: "h" }, { rid: "f" }];
    expect(activeLayers(layers, null)).toEqual([true, true, true]);
    expect(activeLayers(layers, [])).toEqual([false, false, false]);
    expect(activeLayers(layers, ["q", "f"])).toEqual([true, false, true]);
    expect(activeLayers(layers, ["f", "newer"])).toEqual([false, false, true]);
    expect(activeLayers(layers, ["newer"])).toEqual([true, true, true]);
    expect(activeLayers([{}], ["q"])).toEqual([true]);
    expect(activeLayers([{}], [])).toEqual([false]);
  });

  it("keeps the order VP8, H.264 baseline, retransmission", () => {
    const codecs = [{ mimeType: "video/rtx" }, { mimeType: "video/AV1" }, { mimeType: "video/H264", sdpFmtpLine: "profile-level-id=42e01f" }, { mimeType: "video/H264", sdpFmtpLine: "profile-level-id=4d001f" }, { mimeType: "video/VP8" }];
    expect(orderedCodecs("video", codecs).map(({ mimeType, sdpFmtpLine }) => sdpFmtpLine ?? mimeType)).toEqual(["video/VP8", "profile-level-id=42e01f", "video/rtx"]);
  });

  it("asks for in-band FEC once, with or without a line to put it in", () => {
    const withLine = "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\na=rtpmap:0 PCMU/8000\r\n";
    expect(withOpusFec(withLine)).toBe("a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\n");
    expect(withOpusFec(withOpusFec(withLine))).toBe(withOpusFec(withLine));
    expect(withOpusFec("a=rtpmap:96 opus/48000/2\r\na=mid:0\r\n")).toBe("a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=mid:0\r\n");
  });

  it("respects a refusal of FEC", () => {
    const refused = "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=0\r\n";
    expect(withOpusFec(refused)).toBe(refused);
  });
});
