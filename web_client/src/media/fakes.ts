/** Stand-ins for tests of the media layer: a clock moved by hand, and the parts of WebRTC whose behaviour is being decided about. */
import type { Clock } from "./clock";
import { Observable, type Unsubscribe } from "./observable";
import { Refusal, type SignalChannel } from "./words";

export class FakeClock implements Clock {
  private time = 0;
  private timers = new Set<{ atMs: number; run: () => void; periodMs: number | null }>();

  nowMs = (): number => this.time;

  after(delayMs: number, run: () => void): Unsubscribe {
    return this.add({ atMs: this.time + delayMs, run, periodMs: null });
  }
  every(periodMs: number, run: () => void): Unsubscribe {
    return this.add({ atMs: this.time + periodMs, run, periodMs });
  }
  private add(timer: { atMs: number; run: () => void; periodMs: number | null }): Unsubscribe {
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Moves time on, running what falls due in order and letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    // A bound, so that a loop without a wait fails instead of hanging.
    for (let turns = 0; turns < 5_000; turns += 1) {
      await settle();
      const next = [...this.timers].filter((timer) => timer.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.time = Math.max(this.time, next.atMs);
      if (next.periodMs === null) this.timers.delete(next);
      else next.atMs += next.periodMs;
      next.run();
    }
    this.time = end;
    await settle();
  }
  get waiting(): number {
    return this.timers.size;
  }
}

export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}

export class FakeTrack extends EventTarget {
  enabled = true;
  muted = false;
  readyState: "live" | "ended" = "live";
  contentHint = "";
  constructor(
    readonly kind: "audio" | "video",
    private readonly size: { width: number; height: number } = { width: 640, height: 480 },
    readonly label = "",
  ) {
    super();
  }
  getSettings = (): MediaTrackSettings => ({ ...(this.kind === "video" ? this.size : {}), ...(this.label ? { deviceId: this.label } : {}) });
  stop(): void {
    this.readyState = "ended";
  }
  as(): MediaStreamTrack {
    return this as unknown as MediaStreamTrack;
  }
}

export class FakePeer extends EventTarget {
  static made: FakePeer[] = [];
  connectionState: RTCPeerConnectionState = "new";
  signalingState: RTCSignalingState = "stable";
  localDescription: { sdp: string } | null = null;
  currentRemoteDescription: { sdp: string } | null = null;
  restarts = 0;
  private offers = 0;
  private readonly transceivers: FakeTransceiver[] = [];

  constructor() {
    super();
    FakePeer.made.push(this);
  }
  addTransceiver(track: MediaStreamTrack, init: RTCRtpTransceiverInit): FakeTransceiver {
    const transceiver = new FakeTransceiver(track, init);
    this.transceivers.push(transceiver);
    return transceiver;
  }
  getTransceivers = (): FakeTransceiver[] => this.transceivers;
  servers: RTCIceServer[] | undefined;
  getConfiguration = (): RTCConfiguration => ({});
  setConfiguration(given: RTCConfiguration): void {
    this.servers = given.iceServers;
  }
  restartIce(): void {
    this.restarts += 1;
  }
  async setLocalDescription(description?: { type: string }): Promise<void> {
    if (description?.type === "rollback") {
      this.signalingState = "stable";
      return;
    }
    if (this.signalingState === "have-remote-offer") {
      this.signalingState = "stable";
      this.localDescription = { sdp: "answer" };
      return;
    }
    this.transceivers.forEach((transceiver, index) => (transceiver.mid ??= String(index)));
    this.signalingState = "have-local-offer";
    this.offers += 1;
    this.localDescription = { sdp: `offer ${this.offers}` };
  }
  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    if (description.sdp.includes("broken")) throw new Error("broken description");
    this.currentRemoteDescription = description;
    this.signalingState = description.type === "offer" ? "have-remote-offer" : "stable";
    if (description.type !== "offer") return;
    for (const mid of description.sdp.match(/(?<=mid:)\d+/g) ?? []) {
      if (this.transceivers.some((transceiver) => transceiver.mid === mid)) continue;
      const transceiver = new FakeTransceiver(new FakeTrack("video").as(), {});
      transceiver.mid = mid;
      this.transceivers.push(transceiver);
    }
  }
  getStats = async (): Promise<Map<string, unknown>> => new Map();
  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
  close(): void {
    this.connectionState = "closed";
  }
  as(): RTCPeerConnection {
    return this as unknown as RTCPeerConnection;
  }
}

export class FakeTransceiver {
  mid: string | null = null;
  direction: RTCRtpTransceiverDirection;
  codecs: { mimeType: string }[] = [];
  encodings: RTCRtpEncodingParameters[];
  readonly receiver: { track: MediaStreamTrack };
  readonly sender = {
    track: null as MediaStreamTrack | null,
    replaceTrack: async (track: MediaStreamTrack | null): Promise<void> => void (this.sender.track = track),
    getParameters: (): { encodings: RTCRtpEncodingParameters[] } => ({ encodings: this.encodings.map((layer) => ({ ...layer })) }),
    setParameters: async (given: { encodings: RTCRtpEncodingParameters[] }): Promise<void> => void (this.encodings = given.encodings),
  };
  constructor(
    track: MediaStreamTrack,
    readonly init: RTCRtpTransceiverInit,
  ) {
    this.sender.track = track;
    this.receiver = { track };
    this.direction = init.direction ?? "recvonly";
    this.encodings = (init.sendEncodings ?? []).map((layer) => ({ active: true, ...layer }));
  }
  setCodecPreferences(codecs: { mimeType: string }[]): void {
    this.codecs = codecs;
  }
}

/** A server's side of the socket: answers by command, and can be cut. */
export class FakeChannel implements SignalChannel {
  readonly isUp = new Observable(true);
  readonly sent: { command: string; body: Record<string, unknown> }[] = [];
  readonly answers: Record<string, (body: Record<string, unknown>) => unknown> = {
    room_join: () => ({ seat: "seat", room: { participants: [], held: false }, ice_servers: [] }),
    track_publish: () => ({ sdp: "answer" }),
  };
  private readonly handlers = new Map<string, Set<(body: never) => void>>();

  async request<T>(command: string, body: object): Promise<T> {
    if (!this.isUp.value) throw new Refusal("network.offline", "", true);
    this.sent.push({ command, body: body as Record<string, unknown> });
    await Promise.resolve();
    return (this.answers[command]?.(body as Record<string, unknown>) ?? {}) as T;
  }
  on(event: string, handler: (body: never) => void): () => void {
    const handlers = this.handlers.get(event) ?? new Set();
    this.handlers.set(event, handlers.add(handler));
    return () => handlers.delete(handler);
  }
  say(event: string, body: object): void {
    for (const handler of [...(this.handlers.get(event) ?? [])]) handler(body as never);
  }
  count = (command: string): number => this.sent.filter((entry) => entry.command === command).length;
}
