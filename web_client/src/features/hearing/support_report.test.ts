import { describe, expect, it } from "vitest";
import { type LinkFigures, linkFigures, NO_FIGURES } from "@/media/link_figures";
import { asPlainText, type ReportFacts, supportReport } from "./support_report";

const say = (key: string, slots: Record<string, unknown> = {}): string => [key, ...Object.values(slots)].join(" ");
const facts = (more: Partial<ReportFacts>): ReportFacts => ({
  up: NO_FIGURES, down: NO_FIGURES, seat: "in", socket: "connected", rungUp: "steady", rungDown: "steady", isAwake: true, isAudioOnly: false,
  browser: "Chrome 140", version: "1.2.3", at: new Date("2026-11-22T06:00:00Z"), ...more,
});
const layers = (): LinkFigures =>
  linkFigures(
    [
      ["C", { id: "C", type: "local-candidate", timestamp: 1, address: "192.0.2.7", candidateType: "host", protocol: "udp" }],
      ["P", { id: "P", type: "candidate-pair", timestamp: 1, nominated: true, state: "succeeded", localCandidateId: "C", currentRoundTripTime: 0.05, availableOutgoingBitrate: 1_200_000 }],
      ["Q", { id: "Q", type: "outbound-rtp", kind: "video", mid: "1", rid: "q", timestamp: 1, active: false }],
      ["S", { id: "S", type: "outbound-rtp", kind: "video", mid: "2", contentType: "screenshare", timestamp: 1 }],
      ["A", { id: "A", type: "outbound-rtp", kind: "video", mid: "1", rid: "f", timestamp: 1, frameWidth: 1280, frameHeight: 720, qualityLimitationReason: "cpu" }],
      ["B", { id: "B", type: "outbound-rtp", kind: "audio", timestamp: 1 }],
    ],
    null,
  );

describe("the figures for support", () => {
  it("say each connection and track in words, and what holds a picture back", () => {
    const [state, up, down] = supportReport(facts({ up: layers() }), say);
    expect(state?.lines).toContain("info.awake");
    expect(up?.lines).toEqual(["person.rtt 50 · UDP · info.available 1200", "info.audio 1: info.nothing", "info.video 1 (info.layer.f): 1280×720 · info.limited.cpu", "info.video 1 (info.layer.q): info.resting", "info.screen 2: info.nothing"]);
    expect(down?.lines).toEqual(["info.noLink"]);
  });

  it("hold no address", () => {
    expect(asPlainText(supportReport(facts({ up: layers() }), say))).not.toContain("192.0.2.7");
  });

  it("can be pasted into a message", () => {
    expect(asPlainText([{ heading: "A", lines: ["b", "c"] }, { heading: "D", lines: ["e"] }])).toBe("A\n  b\n  c\n\nD\n  e");
  });
});
