/** The way down: everybody else's picture and voice. The server offers, the browser answers. */
import { withOpusFec } from "./encodings";
import { Observable } from "./observable";
import { TaskLine } from "./task_line";
import { Refusal, type Source, type SubscriptionOffer, trackKey } from "./words";
import type { LinkState } from "./publish_link";

export interface RemoteTrack {
  identity: string;
  source: Source;
  track: MediaStreamTrack;
}
/** Keyed by `trackKey(identity, source)`. */
export type RemoteTracks = ReadonlyMap<string, RemoteTrack>;

export interface SubscribeLinkOptions {
  createPeer(): RTCPeerConnection;
  sendAnswer(version: number, sdp: string): Promise<void>;
  /** An offer could not be applied: the caller asks the server for a fresh one. */
  onBroken(error: unknown): void;
}

export class SubscribeLink {
  readonly state = new Observable<LinkState>("new");
  readonly tracks = new Observable<RemoteTracks>(new Map());
  private peer: RTCPeerConnection | null = null;
  private fingerprint = "";
  private newestVersion = -1;
  private readonly line = new TaskLine();

  constructor(private readonly options: SubscribeLinkOptions) {}

  /** Takes an offer; when several wait, only the newest is answered. `sendAnswer`: by another door. */
  offered(offer: SubscriptionOffer, sendAnswer = this.options.sendAnswer): Promise<void> {
    if (offer.version <= this.newestVersion) return Promise.resolve();
    this.newestVersion = offer.version;
    return this.line.run(async () => {
      if (offer.version < this.newestVersion) return;
      try {
        await this.apply(offer, sendAnswer);
      } catch (error) {
        // Stale: the server moved on while we answered, a newer offer is on its way.
        if (!(error instanceof Refusal && error.code === "answer.stale")) this.options.onBroken(error);
      }
    });
  }

  /** Forgets the transport: the next offer is answered by a fresh one. What is on the screen stays until then. */
  forget(): void {
    this.dropPeer();
  }

  /** A new seat may be another room's: its offers are counted anew. */
  startCounting(): void {
    this.newestVersion = -1;
  }

  /** For the next ICE restart on this transport. */
  useServers(servers: RTCIceServer[]): void {
    if (servers.length > 0) this.peer?.setConfiguration({ ...this.peer.getConfiguration(), iceServers: servers });
  }

  stats(): Promise<RTCStatsReport | null> {
    return this.peer ? this.peer.getStats() : Promise.resolve(null);
  }

  close(): void {
    this.newestVersion = Number.MAX_SAFE_INTEGER;
    this.dropPeer();
    this.tracks.set(new Map());
    this.state.set("closed");
  }

  private async apply(offer: SubscriptionOffer, sendAnswer: SubscribeLinkOptions["sendAnswer"]): Promise<void> {
    const fingerprint = /^a=fingerprint:(.*)$/m.exec(offer.sdp)?.[1]?.trim() ?? "";
    // Another fingerprint is another transport on the server's side: an old peer would refuse its handshake.
    if (this.peer && (fingerprint !== this.fingerprint || this.peer.connectionState === "closed")) this.dropPeer();
    this.fingerprint = fingerprint;
    const peer = this.peer ?? this.newPeer();
    await peer.setRemoteDescription({ type: "offer", sdp: offer.sdp });
    await peer.setLocalDescription();
    const sdp = withOpusFec(peer.localDescription?.sdp ?? "");
    if (peer !== this.peer) return;
    this.readTracks(peer, offer);
    await sendAnswer(offer.version, sdp);
  }

  private readTracks(peer: RTCPeerConnection, offer: SubscriptionOffer): void {
    const byMid = new Map(peer.getTransceivers().map((transceiver) => [transceiver.mid, transceiver]));
    const tracks = new Map<string, RemoteTrack>();
    for (const { mid, identity, source } of offer.tracks) {
      const transceiver = byMid.get(mid);
      if (transceiver) tracks.set(trackKey(identity, source), { identity, source, track: transceiver.receiver.track });
    }
    this.tracks.set(tracks);
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
    peer?.close();
  }
}
