import type { LinkFigures, TrackFigures } from "@/media/link_figures";

/** The figures of a connection as lines for a person and for whoever helps by telephone. Pure; holds no name and no address. */
export interface ReportSection {
  heading: string;
  lines: string[];
}

export interface ReportFacts {
  up: LinkFigures;
  down: LinkFigures;
  seat: string;
  socket: string;
  rungUp: string;
  rungDown: string;
  isAwake: boolean;
  isAudioOnly: boolean;
  browser: string;
  version: string;
  at: Date;
}

/** A translator: key under `hearing.`, slots. */
export type Say = (key: string, slots?: Record<string, unknown>) => string;

const joined = (parts: (string | null)[]): string => parts.filter((part) => part !== null).join(" · ");
const kbps = (bitsPerSecond: number): number => Math.round(bitsPerSecond / 1000);

export function wayLine(figures: LinkFigures, say: Say, isUp: boolean): string {
  return (
    joined([
      figures.rttMs === null ? null : say("person.rtt", { ms: figures.rttMs }),
      figures.transport?.toUpperCase() ?? null,
      figures.relayed ? say("info.relayed") : null,
      !isUp || figures.availableBitsPerSecond === null ? null : say("info.available", { kbps: kbps(figures.availableBitsPerSecond) }),
    ]) || say("info.noLink")
  );
}

export function trackLine(track: TrackFigures, name: string, say: Say): string {
  if (track.isResting) return `${name}: ${say("info.resting")}`;
  const facts = joined([
    track.width && track.height ? `${track.width}×${track.height}` : null,
    track.framesPerSecond === null ? null : say("info.frames", { count: Math.round(track.framesPerSecond) }),
    track.bitsPerSecond === null ? null : say("info.rate", { kbps: kbps(track.bitsPerSecond) }),
    track.lossRatio === null ? null : say("person.loss", { pct: (track.lossRatio * 100).toFixed(1) }),
    track.jitterMs === null ? null : say("person.jitter", { ms: track.jitterMs }),
    track.repairs ? say("info.repairs", { count: track.repairs }) : null,
    track.keyframeRequests ? say("info.keyframes", { count: track.keyframeRequests }) : null,
    track.freezes ? say("info.freezes", { count: track.freezes }) : null,
    track.limitedBy === null ? null : say(`info.limited.${track.limitedBy}`),
    track.codec,
  ]);
  return `${name}: ${facts || say("info.nothing")}`;
}

const LAYERS = ["f", "h", "q"];
const section = ({ mid }: TrackFigures): number => (mid === null ? 0 : Number(mid));

/** "Sound 1", "Picture 2", and of several layers of one picture their size in words, the largest first. */
function trackLines(tracks: readonly TrackFigures[], say: Say): string[] {
  const ordered = [...tracks].sort(
    (a, b) => a.kind.localeCompare(b.kind) || section(a) - section(b) || LAYERS.indexOf(a.rid ?? "") - LAYERS.indexOf(b.rid ?? ""),
  );
  const numbers = { audio: new Map<string, number>(), video: new Map<string, number>() };
  return ordered.map((track) => {
    const known = numbers[track.kind];
    const key = track.mid ?? track.id;
    const number = known.get(key) ?? known.size + 1;
    known.set(key, number);
    const layer = track.rid && LAYERS.includes(track.rid) ? ` (${say(`info.layer.${track.rid}`)})` : "";
    return trackLine(track, `${say(track.isScreen ? "info.screen" : `info.${track.kind}`)} ${number}${layer}`, say);
  });
}

export function supportReport(facts: ReportFacts, say: Say): ReportSection[] {
  return [
    {
      heading: say("info.state"),
      lines: [
        say("info.seat", { word: say(`info.seats.${facts.seat}`) }),
        say("info.socket", { word: say(`info.sockets.${facts.socket}`) }),
        say("info.rungs", { up: say(`info.rung.${facts.rungUp}`), down: say(`info.rung.${facts.rungDown}`) }),
        say(facts.isAwake ? "info.awake" : "info.notAwake"),
        ...(facts.isAudioOnly ? [say("info.audioOnly")] : []),
      ],
    },
    { heading: say("info.up"), lines: [wayLine(facts.up, say, true), ...trackLines(facts.up.tracks, say)] },
    { heading: say("info.down"), lines: [wayLine(facts.down, say, false), ...trackLines(facts.down.tracks, say)] },
    { heading: say("info.machine"), lines: [facts.browser, say("info.version", { version: facts.version }), facts.at.toISOString()] },
  ];
}

/** As it is pasted into a message. */
export const asPlainText = (report: readonly ReportSection[]): string => report.map(({ heading, lines }) => [heading, ...lines.map((line) => `  ${line}`)].join("\n")).join("\n\n");
