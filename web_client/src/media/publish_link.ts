/** The way up: microphone, camera and screen to the court's server. The browser offers, the server answers. */
import { activeLayers, linesOf, orderedCodecs, sendEncodings, withOpusFec } from "./encodings";
import { Observable } from "./observable";
import { TaskLine } from "./task_line";
import type { Source } from "./words";

export type LinkState = RTCPeerConnectionState;

export interface PublishLinkOptions {
  createPeer(): RTCPeerConnection;
  /** Sends the offer with mid → source and resolves with the server's answer. */
  sendOffer(sdp: string, sources: Record<string, Source>): Promise<string>;
  /** Codecs this browser can send, undefined where it cannot tell. */
  sendableCodecs(kind: "audio" | "video"): readonly RTCRtpCodec[] | undefined;
}

export class PublishLink {
  readonly state = new Observable<LinkState>("new");
  private peer: RTCPeerConnection | null = null;
  private readonly tracks = new Map<Source, MediaStreamTrack>();
  private readonly transceivers = new Map<Source, RTCRtpTransceiver>();
  private readonly wanted = new Map<Source, readonly string[] | null>();
  private readonly line = new TaskLine();
  /** The server does not know yet what is published here: the last offer got no answer. */
  private isUnsaid = false;
  private closed = false;

  constructor(private readonly options: PublishLinkOptions) {}

  /** Publishes these tracks, with one negotiation when any of them is new. A source already known changes its track without one. */
  publish(tracks: Partial<Record<Source, MediaStreamTrack>>): Promise<void> {
    return this.line.run(async () => {
      let isNew = this.isUnsaid;
      for (const [source, track] of Object.entries(tracks) as [Source, MediaStreamTrack][]) {
        this.tracks.set(source, track);
        const known = this.transceivers.get(source);
        isNew ||= known === undefined || known.direction === "inactive";
        if (known && known.sender.track !== track) await known.sender.replaceTrack(hinted(source, track));
      }
      if (isNew) await this.negotiate();
    });
  }

  /** Stops sending a source but keeps its place, so that it comes back without a negotiation. */
  pause(source: Source): Promise<void> {
    return this.line.run(async () => {
      this.tracks.delete(source);
      await this.transceivers.get(source)?.sender.replaceTrack(null);
    });
  }

  /** Takes a source out of the room: the server hears that it is over. Published again it takes its old section. */
  withdraw(source: Source): Promise<void> {
    return this.line.run(async () => {
      this.tracks.delete(source);
      const known = this.transceivers.get(source);
      if (!known) return;
      known.direction = "inactive";
      await known.sender.replaceTrack(null);
      await this.negotiate();
    });
  }

  /** Sends only these layers of a source, without a negotiation; null sends all, an empty list rests it. */
  layersWanted(source: Source, rids: readonly string[] | null): Promise<void> {
    return this.line.run(async () => {
      this.wanted.set(source, rids);
      const known = this.transceivers.get(source);
      if (known) await this.applyWanted(source, known.sender);
    });
  }

  /** New ICE credentials on the same transport: the way back after a network change. `sendOffer`: by another door. */
  restartIce(sendOffer = this.options.sendOffer): Promise<void> {
    return this.line.run(async () => {
      if (!this.peer) return;
      this.peer.restartIce();
      await this.negotiate(sendOffer);
    });
  }

  /** A new transport with new keys for the same tracks: the way back when an ICE restart did not help. */
  rebuild(): Promise<void> {
    return this.line.run(async () => {
      this.dropPeer();
      if (this.tracks.size > 0) await this.negotiate();
    });
  }

  /** For the next ICE restart on this transport. */
  useServers(servers: RTCIceServer[]): void {
    if (servers.length > 0) this.peer?.setConfiguration({ ...this.peer.getConfiguration(), iceServers: servers });
  }

  stats(): Promise<RTCStatsReport | null> {
    return this.peer ? this.peer.getStats() : Promise.resolve(null);
  }

  close(): void {
    this.closed = true;
    this.dropPeer();
    this.tracks.clear();
    this.state.set("closed");
  }

  private async negotiate(sendOffer = this.options.sendOffer): Promise<void> {
    if (this.closed) return;
    const peer = this.peer ?? this.newPeer();
    for (const [source, track] of this.tracks) {
      const known = this.transceivers.get(source);
      if (known) known.direction = "sendonly";
      else this.transceivers.set(source, this.addTrack(peer, source, track));
    }
    this.isUnsaid = true;
    await peer.setLocalDescription();
    const sources: Record<string, Source> = {};
    for (const [source, transceiver] of this.transceivers) {
      if (transceiver.mid !== null && transceiver.direction !== "inactive") sources[transceiver.mid] = source;
    }
    try {
      const answer = await sendOffer(peer.localDescription?.sdp ?? "", sources);
      if (peer !== this.peer) return;
      await peer.setRemoteDescription({ type: "answer", sdp: withOpusFec(answer) });
      this.isUnsaid = false;
    } catch (error) {
      // An offer left open would make every later negotiation fail; a first offer cannot be rolled back, its peer goes.
      if (peer === this.peer && peer.signalingState === "have-local-offer") await this.takeBack(peer);
      throw error;
    }
    for (const [source, { sender }] of this.transceivers) await this.applyWanted(source, sender);
  }

  /** The server's wish lives longer than a transport: a fresh sender is told again. */
  private async applyWanted(source: Source, sender: RTCRtpSender): Promise<void> {
    const rids = this.wanted.get(source);
    if (rids === undefined) return;
    const parameters = sender.getParameters();
    const active = activeLayers(parameters.encodings, rids);
    if (parameters.encodings.every((layer, n) => (layer.active ?? true) === active[n])) return;
    parameters.encodings.forEach((layer, n) => (layer.active = active[n] ?? true));
    // A browser that cannot rest a layer only sends more than is watched.
    await sender.setParameters(parameters).catch(() => undefined);
  }

  private async takeBack(peer: RTCPeerConnection): Promise<void> {
    if (!peer.currentRemoteDescription) this.dropPeer();
    else await peer.setLocalDescription({ type: "rollback" });
  }

  private addTrack(peer: RTCPeerConnection, source: Source, track: MediaStreamTrack): RTCRtpTransceiver {
    const isAudio = source === "microphone";
    const transceiver = peer.addTransceiver(hinted(source, track), {
      direction: "sendonly",
      streams: [new MediaStream([track])],
      sendEncodings: sendEncodings(source, isAudio ? 0 : linesOf(track)),
    });
    const codecs = orderedCodecs(isAudio ? "audio" : "video", this.options.sendableCodecs(isAudio ? "audio" : "video") ?? []);
    // An empty list would mean "no codec": an unknown browser keeps its own order.
    if (codecs.length > 0 && "setCodecPreferences" in transceiver) transceiver.setCodecPreferences(codecs);
    return transceiver;
  }

  private newPeer(): RTCPeerConnection {
    const peer = this.options.createPeer();
    peer.addEventListener("connectionstatechange", () => {
      if (peer === this.peer) this.state.set(peer.connectionState);
    });
    this.peer = peer;
    this.state.set("new");
    return peer;
  }

  private dropPeer(): void {
    const peer = this.peer;
    this.peer = null;
    this.transceivers.clear();
    peer?.close();
  }
}

/** Pages of a document stay sharp, faces stay fluent; "detail" also makes browsers keep the full resolution. */
function hinted(source: Source, track: MediaStreamTrack): MediaStreamTrack {
  if (source !== "microphone" && "contentHint" in track) track.contentHint = source === "screen" ? "detail" : "motion";
  return track;
}
