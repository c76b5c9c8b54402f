/**
 * On another network both links restart ICE by plain requests, while the socket is still on its way back: a ticket, a
 * socket and a seat take some nine round trips until media flow, this takes four. Whatever goes wrong here is left to
 * the socket's return, which mends the links as if nothing had been tried.
 */
import type { Clock } from "./clock";
import type { PublishLink } from "./publish_link";
import type { SubscribeLink } from "./subscribe_link";
import { Refusal, type Source, type SubscriptionOffer } from "./words";

export interface MovedDoor {
  /** Without `sdp` only the way down is led. Answers with null where the server has nothing to say. */
  moved(
    body: { seat: string; sdp?: string; sources: Record<string, Source> },
    signal: AbortSignal,
  ): Promise<{ sdp: string | null; offer: SubscriptionOffer | null }>;
  answer(body: { seat: string; version: number; sdp: string }, signal: AbortSignal): Promise<unknown>;
}

/** A new network that answers no request for so long needs more than this. */
export const MOVED_LIMIT_MS = 5_000;

export class MovedLinks {
  private going: AbortController | null = null;

  constructor(
    private readonly door: MovedDoor,
    private readonly clock: Clock,
  ) {}

  /** The socket is back, or the seat gone: from here on they have the say. */
  stop(): void {
    this.going?.abort();
    this.going = null;
  }

  /** Resolves with which ways the server has led; never rejects. */
  async lead(seat: string, up: PublishLink, down: SubscribeLink): Promise<{ up: boolean; down: boolean }> {
    this.stop();
    const going = new AbortController();
    this.going = going;
    const cancelLimit = this.clock.after(MOVED_LIMIT_MS, () => going.abort());
    const led = { up: false, down: false };
    try {
      let offer: SubscriptionOffer | null | undefined;
      await up.restartIce(async (sdp, sources) => {
        const told = await this.door.moved({ seat, sdp, sources }, going.signal);
        offer = told.offer;
        if (told.sdp === null) throw new Refusal("publish.unanswered", "", true);
        led.up = true;
        return told.sdp;
      });
      if (offer === undefined) offer = (await this.door.moved({ seat, sources: {} }, going.signal)).offer;
      if (offer) {
        await down.offered(offer, async (version, sdp) => {
          // A seat that moved on meanwhile is offered a newer way by its socket.
          await this.door.answer({ seat, version, sdp }, going.signal).catch(() => {
            throw new Refusal("answer.stale", "", true);
          });
          led.down = true;
        });
      }
    } catch {
      // No line yet, another seat already, or a server that does not know of this: the socket's return does it.
    } finally {
      cancelLimit();
      if (this.going === going) this.going = null;
    }
    return led;
  }
}
