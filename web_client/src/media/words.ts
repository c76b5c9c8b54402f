/** The nouns of the media plane as the wire spells them (docs/PROTOCOL.md section 3). */
export type Source = "microphone" | "camera" | "screen";
export type Kind = "audio" | "video";

export interface OfferedTrack {
  mid: string;
  identity: string;
  source: Source;
  kind: Kind;
}

export interface SubscriptionOffer {
  version: number;
  sdp: string;
  tracks: OfferedTrack[];
}

/** The layers of one's own source that somebody watches; null: all of them, empty: nobody watches. */
export interface LayersWanted {
  source: Source;
  rids: readonly string[] | null;
}

/** The pictures this seat is being sent right now; the others are paused, for the line's sake or because they are many. */
export interface PicturesChanged {
  shown: readonly (readonly [identity: string, source: Source])[];
  because: "network" | "count" | null;
}

export interface JoinedRoom {
  seat: string;
  room: {
    participants: { identity: string; tracks: { source: Source; kind: Kind; muted: boolean; by_court: boolean }[] }[];
    held: boolean;
  };
  ice_servers: RTCIceServer[];
}

/** What the server said no to, with its stable code. `retryable` false means: asking again changes nothing. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    readonly title: string,
    readonly retryable: boolean,
  ) {
    super(title);
    this.name = "Refusal";
  }
}

/** The socket as the media layer sees it: commands with an ack, events, and whether it is up. */
export interface SignalChannel {
  readonly isUp: { readonly value: boolean; watch(watcher: (up: boolean) => void): () => void };
  /** Resolves with the ack's body; rejects with Refusal, or with another error when no ack came. */
  request<T>(command: string, body: object): Promise<T>;
  on(event: string, handler: (body: never) => void): () => void;
}

export const trackKey = (identity: string, source: Source): string => `${identity}/${source}`;
