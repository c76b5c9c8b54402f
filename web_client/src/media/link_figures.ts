/** The plain facts of a connection, out of the browser's statistics: for the "connection" panel and the weak-line hint. Pure. */

export interface TrackFigures {
  id: string;
  kind: "audio" | "video";
  direction: "up" | "down";
  /** Layers of one picture share it. */
  mid: string | null;
  isScreen: boolean;
  /** Kept ready, yet nothing flows: nobody watches this layer, or it was given up. */
  isResting: boolean;
  rid: string | null;
  codec: string | null;
  bitsPerSecond: number | null;
  width: number | null;
  height: number | null;
  framesPerSecond: number | null;
  packetsLost: number;
  /** Since the reading before; without one, since the beginning. */
  lossRatio: number | null;
  jitterMs: number | null;
  freezes: number | null;
  /** Packets the other side asked for again, and key frames it asked for. */
  repairs: number | null;
  keyframeRequests: number | null;
  /** Why the browser sends less than it might: its processor or the line. */
  limitedBy: "cpu" | "bandwidth" | null;
}

export interface LinkFigures {
  rttMs: number | null;
  transport: "udp" | "tcp" | null;
  relayed: boolean;
  availableBitsPerSecond: number | null;
  tracks: TrackFigures[];
}

interface Row {
  id: string;
  type: string;
  timestamp: number;
  [field: string]: unknown;
}

export const NO_FIGURES: LinkFigures = { rttMs: null, transport: null, relayed: false, availableBitsPerSecond: null, tracks: [] };

const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const text = (value: unknown): string | null => (typeof value === "string" ? value : null);

function activePair(rows: Map<string, Row>): Row | undefined {
  const transport = [...rows.values()].find((row) => row.type === "transport");
  const chosen = transport ? rows.get(String(transport["selectedCandidatePairId"])) : undefined;
  return chosen ?? [...rows.values()].find((row) => row.type === "candidate-pair" && row["nominated"] === true && row["state"] === "succeeded");
}

function trackFigures(row: Row, rows: Map<string, Row>, earlier: Map<string, Row>): TrackFigures {
  const isUp = row.type === "outbound-rtp";
  const before = earlier.get(row.id);
  const bytes = number(isUp ? row["bytesSent"] : row["bytesReceived"]) ?? 0;
  const bytesBefore = before ? (number(isUp ? before["bytesSent"] : before["bytesReceived"]) ?? 0) : null;
  const elapsedS = before ? (row.timestamp - before.timestamp) / 1000 : 0;
  const remote = isUp ? rows.get(String(row["remoteId"])) : row;
  const lost = number(remote?.["packetsLost"]) ?? 0;
  const jitterS = number(remote?.["jitter"]);
  const limit = row["qualityLimitationReason"];
  const bitsPerSecond = bytesBefore === null || elapsedS <= 0 ? null : Math.round(((bytes - bytesBefore) * 8) / elapsedS);
  return {
    id: row.id,
    kind: row["kind"] === "audio" ? "audio" : "video",
    direction: isUp ? "up" : "down",
    mid: text(row["mid"]),
    isScreen: row["contentType"] === "screenshare",
    isResting: row["active"] === false || bitsPerSecond === 0,
    rid: text(row["rid"]),
    codec: text(rows.get(String(row["codecId"]))?.["mimeType"])?.split("/")[1] ?? null,
    bitsPerSecond,
    width: number(row["frameWidth"]),
    height: number(row["frameHeight"]),
    framesPerSecond: number(row["framesPerSecond"]),
    packetsLost: lost,
    lossRatio: isUp ? number(remote?.["fractionLost"]) : lossSince(row, before),
    jitterMs: jitterS === null ? null : Math.round(jitterS * 1000),
    freezes: number(row["freezeCount"]),
    repairs: number(row["nackCount"]),
    keyframeRequests: number(row["pliCount"]),
    limitedBy: limit === "cpu" || limit === "bandwidth" ? limit : null,
  };
}

/** Lost of what was sent between two readings; repairs that came late make the browser count backwards, never below none. */
function lossSince(row: Row, before: Row | undefined): number | null {
  const lost = Math.max(0, (number(row["packetsLost"]) ?? 0) - (number(before?.["packetsLost"]) ?? 0));
  const received = Math.max(0, (number(row["packetsReceived"]) ?? 0) - (number(before?.["packetsReceived"]) ?? 0));
  return lost + received > 0 ? lost / (lost + received) : null;
}

/** `report` now and, for rates, the one before. */
export function linkFigures(report: Iterable<[string, unknown]> | null, previous: Iterable<[string, unknown]> | null): LinkFigures {
  if (!report) return NO_FIGURES;
  const rows = new Map(report) as Map<string, Row>;
  const earlier = new Map(previous ?? []) as Map<string, Row>;
  const pair = activePair(rows);
  const local = pair ? rows.get(String(pair["localCandidateId"])) : undefined;
  const remote = pair ? rows.get(String(pair["remoteCandidateId"])) : undefined;
  const rttS = number(pair?.["currentRoundTripTime"]);
  const protocol = text(local?.["protocol"]);
  return {
    rttMs: rttS === null ? null : Math.round(rttS * 1000),
    transport: protocol === "udp" || protocol === "tcp" ? protocol : null,
    relayed: local?.["candidateType"] === "relay" || remote?.["candidateType"] === "relay",
    availableBitsPerSecond: number(pair?.["availableOutgoingBitrate"]),
    tracks: [...rows.values()]
      .filter((row) => row.type === "outbound-rtp" || row.type === "inbound-rtp")
      .map((row) => trackFigures(row, rows, earlier)),
  };
}
