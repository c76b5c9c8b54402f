/**
 * A person's place in the media room: takes the seat, publishes, subscribes, and comes back after whatever a
 * phone goes through. One per hearing page; the page only watches its observables.
 */
import { browserClock, type Clock } from "./clock";
import { LinkLadder, type Rung } from "./link_ladder";
import { type MovedDoor, MovedLinks } from "./moved_links";
import { Leash, Observable } from "./observable";
import { PublishLink } from "./publish_link";
import { type RemoteTracks, SubscribeLink } from "./subscribe_link";
import { TaskLine } from "./task_line";
import {
  type JoinedRoom,
  type LayersWanted,
  type PicturesChanged,
  Refusal,
  type SignalChannel,
  type Source,
  type SubscriptionOffer,
} from "./words";

/** `ended`: the court or another device took the seat; only the person can sit down again. */
export type RoomState = "out" | "joining" | "in" | "returning" | "ended";

export interface RoomClientOptions {
  channel: SignalChannel;
  /** Who sits here, to find oneself in the room. */
  identity(): string | null;
  createPeer(servers: RTCIceServer[]): RTCPeerConnection;
  sendableCodecs(kind: "audio" | "video"): readonly RTCRtpCodec[] | undefined;
  /** Leads the links to another network while the socket is away. Without one they wait for it. */
  door?: MovedDoor;
  clock?: Clock;
}

/** Ends of a seat that only the court or the person can undo; anything else is a fault to come back from. */
const FINAL_END = /^(removed|replaced|hearing|closed|left|room_closed|refused)/;

/** Waits between tries to sit down again: quick first, then gentle to a server in trouble. */
const RETRY_MS = [0, 500, 1_000, 2_000, 4_000, 8_000] as const;

export class RoomClient {
  readonly state = new Observable<RoomState>("out");
  readonly endReason = new Observable<string | null>(null);
  readonly remote = new Observable<RemoteTracks>(new Map());
  /** The way up and the way down, as the person should see them: the worse of the two counts. */
  readonly rungs = new Observable<{ up: Rung; down: Rung }>({ up: "steady", down: "steady" });
  readonly isConnected = new Observable(false);
  /** The pictures the server sends here now; null until it has said so. */
  readonly pictures = new Observable<PicturesChanged | null>(null);
  /** Counts the seats taken: each new one is to be told what the old one knew. */
  readonly seatings = new Observable(0);
  private links: Links | null = null;
  private readonly tracks: Partial<Record<Source, MediaStreamTrack>> = {};
  private readonly leash = new Leash();
  private readonly line = new TaskLine();
  private readonly clock: Clock;
  private tries = 0;
  private cancelRetry = (): void => undefined;
  private isRejoinPending = false;
  /** The transports are to be new as well: the old ones did not come back. */
  private mustBeFresh = false;
  /** While the seat is being taken its first offers may overtake the ack. */
  private earlyOffers: SubscriptionOffer[] | null = null;
  private seat: string | null = null;
  private readonly moved: MovedLinks | null;

  constructor(private readonly options: RoomClientOptions) {
    this.clock = options.clock ?? browserClock;
    const { channel, door } = options;
    this.moved = door ? new MovedLinks(door, this.clock) : null;
    this.leash.hold(
      channel.on("subscription_offered", (offer: SubscriptionOffer) => this.offered(offer)),
      channel.on("layers_wanted", ({ source, rids }: LayersWanted) => void this.links?.up.layersWanted(source, rids)),
      channel.on("pictures_changed", (body: PicturesChanged) => this.pictures.set(body)),
      channel.on("seat_ended", (body: { seat?: string; reason?: string }) => this.seatGone(body)),
      channel.isUp.watch((isUp) => this.socketChanged(isUp)),
    );
  }

  /** Sits down and publishes what is there. Rejects with the server's refusal when it will not have this person. */
  async join(tracks: Partial<Record<Source, MediaStreamTrack>>): Promise<void> {
    Object.assign(this.tracks, tracks);
    this.endReason.set(null);
    this.state.set("joining");
    try {
      await this.line.run(() => this.sitDown());
    } catch (error) {
      if (error instanceof Refusal && !error.retryable) {
        this.state.set("out");
        throw error;
      }
      this.scheduleRejoin(true);
    }
  }

  /** Starts or swaps a source. Without a seat it is kept for the next one. */
  async publish(source: Source, track: MediaStreamTrack): Promise<void> {
    this.tracks[source] = track;
    await this.links?.up.publish({ [source]: track });
  }

  /** Stops sending a source; its place stays. */
  async pause(source: Source): Promise<void> {
    delete this.tracks[source];
    await this.links?.up.pause(source);
  }

  /** Takes a source out of the room for everybody. What could not be said now is said with the next seat. */
  async withdraw(source: Source): Promise<void> {
    delete this.tracks[source];
    await this.links?.up.withdraw(source);
  }

  /** One's own mute, said to the server as well, so that nothing more of it is forwarded or recorded. */
  mute(source: Source, muted: boolean): Promise<unknown> {
    return this.options.channel.request("track_mute", { source, muted });
  }

  prefer(identity: string, source: Source, maxHeightPx: number): void {
    if (!this.links) return;
    // A wish that got lost is said again with the next seat; the picture only stays larger than needed.
    this.options.channel.request("layer_prefer", { identity, source, max_height_px: maxHeightPx }).catch(() => undefined);
  }

  networkChanged(): void {
    this.links?.upLadder.networkChanged();
    this.links?.downLadder.networkChanged();
    if (!this.options.channel.isUp.value) void this.lead();
  }

  async stats(): Promise<{ up: RTCStatsReport | null; down: RTCStatsReport | null }> {
    const links = this.links;
    if (!links) return { up: null, down: null };
    const [up, down] = await Promise.all([links.up.stats(), links.down.stats()]);
    return { up, down };
  }

  async leave(): Promise<void> {
    const hadSeat = this.links !== null;
    this.state.set("out");
    this.forgetRetry();
    this.dropLinks();
    this.remote.set(new Map());
    if (hadSeat && this.options.channel.isUp.value) await this.options.channel.request("room_leave", {}).catch(() => undefined);
  }

  close(): void {
    this.forgetRetry();
    this.dropLinks();
    this.remote.set(new Map());
    this.leash.release();
    this.state.set("out");
  }

  private get isWanted(): boolean {
    return this.state.value !== "out" && this.state.value !== "ended";
  }

  /** Takes a seat. Links that live are kept with it: a person whose socket broke is seen and heard all the while. */
  private async sitDown(): Promise<void> {
    if (!this.isWanted) return;
    if (this.mustBeFresh) this.dropLinks();
    const offers: SubscriptionOffer[] = [];
    this.earlyOffers = offers;
    let joined: JoinedRoom;
    try {
      joined = await this.options.channel.request<JoinedRoom>("room_join", {});
      this.seat = joined.seat;
    } finally {
      this.earlyOffers = null;
    }
    if (!this.isWanted) return;
    const links = this.keptLinks(joined) ?? this.newLinks(joined.ice_servers ?? []);
    links.down.startCounting();
    this.links = links;
    for (const offer of offers) void links.down.offered(offer);
    if (Object.keys(this.tracks).length > 0) await links.up.publish(this.tracks);
    this.tries = 0;
    this.mustBeFresh = false;
    this.state.set("in");
    this.seatings.set(this.seatings.value + 1);
  }

  /** Links of the seat before, when the server still holds their other ends: it knows what is published here. */
  private keptLinks({ room, ice_servers: servers = [] }: JoinedRoom): Links | null {
    const me = room.participants.find(({ identity }) => identity === this.options.identity());
    const known = new Set(me?.tracks.map(({ source }) => source));
    const isKnown = (Object.keys(this.tracks) as Source[]).every((source) => known.has(source) || source === "screen");
    if (this.links && me && isKnown) {
      this.links.ice.servers = servers;
      this.links.up.useServers(servers);
      this.links.down.useServers(servers);
      return this.links;
    }
    this.dropLinks();
    return null;
  }

  private newLinks(servers: RTCIceServer[]): Links {
    const { channel } = this.options;
    const ice = { servers };
    const createPeer = (): RTCPeerConnection => this.options.createPeer(ice.servers);
    const up = new PublishLink({
      createPeer,
      sendableCodecs: this.options.sendableCodecs,
      sendOffer: async (sdp, sources) => (await channel.request<{ sdp: string }>("track_publish", { sdp, sources })).sdp,
    });
    const restartDown = async (): Promise<void> => void (await channel.request("subscription_restart", {}));
    const down = new SubscribeLink({
      createPeer,
      sendAnswer: async (version, sdp) => void (await channel.request("subscription_answer", { version, sdp })),
      onBroken: () => void restartDown().catch(() => this.scheduleRejoin(true)),
    });
    const rejoin = (): void => this.scheduleRejoin(true);
    const upLadder = new LinkLadder(this.clock, { restartIce: () => up.restartIce(), fresh: () => up.rebuild(), rejoin });
    const downLadder = new LinkLadder(this.clock, {
      restartIce: restartDown,
      fresh: () => {
        down.forget();
        return restartDown();
      },
      rejoin,
    });
    const links: Links = { up, down, upLadder, downLadder, leash: new Leash(), ice };
    links.leash.hold(
      up.state.watch((state) => this.linkChanged(links, upLadder, state)),
      down.state.watch((state) => this.linkChanged(links, downLadder, state)),
      down.tracks.watch((tracks) => this.remote.set(tracks)),
      upLadder.rung.watch(() => this.rungsChanged(links)),
      downLadder.rung.watch(() => this.rungsChanged(links)),
    );
    return links;
  }

  private linkChanged(links: Links, ladder: LinkLadder, state: RTCPeerConnectionState): void {
    if (links !== this.links) return;
    ladder.linkChanged(state);
    this.isConnected.set([links.up, links.down].every((link) => link.state.value === "connected" || link.state.value === "new"));
  }

  private rungsChanged(links: Links): void {
    if (links === this.links) this.rungs.set({ up: links.upLadder.rung.value, down: links.downLadder.rung.value });
  }

  private socketChanged(isUp: boolean): void {
    if (!this.isWanted) return;
    this.moved?.stop();
    if (!isUp) this.tellLadders(false);
    else if (this.state.value !== "joining") void this.line.run(() => this.resume());
  }

  /** The seat stays ours while its socket is away, and so do the keys of its links. */
  private async lead(): Promise<void> {
    const { links, seat, moved } = this;
    if (!links || seat === null || !moved || !this.isWanted) return;
    const led = await moved.lead(seat, links.up, links.down);
    if (led.up) links.upLadder.told();
    if (led.down) links.downLadder.told();
  }

  private tellLadders(isSignallingUp: boolean): void {
    this.links?.upLadder.signallingChanged(isSignallingUp);
    // Whoever sits down is offered a fresh way down by the server itself.
    this.links?.downLadder.signallingChanged(isSignallingUp, true);
  }

  private offered(offer: SubscriptionOffer): void {
    if (this.earlyOffers) this.earlyOffers.push(offer);
    else void this.links?.down.offered(offer);
  }

  /** After the socket came back: a seat belongs to its connection, so it is taken again; media that lives goes on. */
  private async resume(): Promise<void> {
    if (!this.isWanted || this.isRejoinPending) return;
    if (!this.links) return this.scheduleRejoin(true);
    try {
      await this.sitDown();
      // Only on a seat that is ours can links be mended.
      this.tellLadders(true);
    } catch (error) {
      this.notSeated(error);
    }
  }

  /** Our own new seat ends our old one: that is no news. */
  private seatGone({ seat, reason = "ended" }: { seat?: string; reason?: string }): void {
    if (this.earlyOffers || (seat !== undefined && seat !== this.seat)) return;
    this.seatEnded(reason);
  }

  private seatEnded(reason: string): void {
    if (!this.isWanted) return;
    // A lost transport or a restarted server is no reason to ask the person anything.
    if (FINAL_END.test(reason)) {
      this.forgetRetry();
      this.dropLinks();
      this.remote.set(new Map());
      this.endReason.set(reason);
      this.state.set("ended");
    } else this.scheduleRejoin(true);
  }

  private forgetRetry(): void {
    this.cancelRetry();
    this.isRejoinPending = false;
  }

  private scheduleRejoin(isFresh: boolean): void {
    if (!this.isWanted) return;
    this.mustBeFresh ||= isFresh;
    if (this.isRejoinPending) return;
    this.isRejoinPending = true;
    if (this.mustBeFresh || !this.isConnected.value) this.state.set("returning");
    const delayMs = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)] ?? 8_000;
    this.tries += 1;
    this.cancelRetry = this.clock.after(delayMs, () => {
      this.isRejoinPending = false;
      void this.rejoin();
    });
  }

  private async rejoin(): Promise<void> {
    // Without the socket there is nothing to ask; its return tries again.
    if (!this.isWanted || !this.options.channel.isUp.value) return;
    try {
      await this.line.run(() => this.sitDown());
      this.tellLadders(true);
    } catch (error) {
      this.notSeated(error);
    }
  }

  private notSeated(error: unknown): void {
    if (error instanceof Refusal && !error.retryable) this.seatEnded(`refused ${error.code}`);
    else this.scheduleRejoin(false);
  }

  private dropLinks(): void {
    const links = this.links;
    this.links = null;
    this.moved?.stop();
    links?.leash.release();
    links?.upLadder.stop();
    links?.downLadder.stop();
    links?.up.close();
    links?.down.close();
    this.isConnected.set(false);
    this.pictures.set(null);
    this.rungs.set({ up: "steady", down: "steady" });
  }
}

interface Links {
  up: PublishLink;
  down: SubscribeLink;
  upLadder: LinkLadder;
  downLadder: LinkLadder;
  leash: Leash;
  /** Relays give passes for a while; each seat brings new ones. */
  ice: { servers: RTCIceServer[] };
}
