/**
 * The `/case` socket: one for the signed-in person, whatever page is open. It resumes lanes, beats every 10 s with
 * the lanes' heads, and proves itself the moment the page comes back: phones leave sockets that only look open.
 */

import { asProblem, type Problem } from "@/api/problem";
import type { FileFacts } from "@/model/files";
import type { MessageType, Receipt } from "@/model/space";
import type { Obligation } from "@/model/reminder";
import type { LaneEvent } from "@/model/types";
import { type LinkState, SocketLink, type SocketLinkOptions } from "./socket";

export type LanePositions = Record<string, { epoch: number; last_seq: number }>;
export type LaneAnswers = Record<string, { status: "complete" | "more" | "reset"; epoch: number; head_seq: number; first_seq?: number }>;
export interface PostAck {
  lane: string;
  seq: number;
  event_id: string;
  hash: string;
  server_time: string;
}

export interface CaseEvents {
  events_appended: { lane: string; epoch: number; events: LaneEvent[] };
  receipts_updated: { lane: string } & Receipt;
  heads_moved: { heads: Record<string, number> };
  lanes_left: { lanes: string[] };
  obligation_raised: { obligation: Obligation };
  obligation_settled: { obligation_id: string; state: Obligation["state"] };
  case_changed: { case_id: string };
  /** `revision` 0: of one that this person knows only by its stub. */
  exhibit_updated: { case_id: string; exhibit_id: string; revision: number };
  contact_changed: { request_id: string; case_id: string };
  attachment_updated: { attachment: FileFacts };
  session_ended: { reason: string };
}

export interface CaseLinkListener {
  /** Connected, at first or again: resume lanes and read what has no replay. */
  onUp: () => void;
  onState: (state: LinkState) => void;
  onHeads: (heads: Record<string, number>) => void;
  onRefused?: (problem: Problem) => void;
}

const BEAT_EVERY_MS = 10_000;
/** A live socket answers within this even on a weak network; a dead one is not waited for. */
const PROOF_DEADLINE_MS = 3_000;
/** A beat in the background of a busy page gets more time before the socket is given up. */
const BEAT_DEADLINE_MS = 8_000;

export class CaseLink {
  private readonly link: SocketLink;
  private timer: ReturnType<typeof setInterval> | null = null;
  private isProving = false;

  constructor(
    private readonly listener: CaseLinkListener,
    options: Pick<SocketLinkOptions, "askTicket" | "makeSocket"> = {},
  ) {
    this.link = new SocketLink({
      ...options,
      namespace: "/case",
      onState: (state) => {
        listener.onState(state);
        if (state === "connected") listener.onUp();
      },
      onRefused: (problem) => listener.onRefused?.(problem),
    });
  }

  get isUp(): boolean {
    return this.link.state === "connected";
  }

  open(): void {
    if (this.timer !== null) return;
    this.timer = setInterval(() => void this.beat(BEAT_DEADLINE_MS), BEAT_EVERY_MS);
    document.addEventListener("visibilitychange", this.wake);
    globalThis.addEventListener("pageshow", this.wake);
    globalThis.addEventListener("online", this.wake);
    this.link.open();
  }

  close(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    document.removeEventListener("visibilitychange", this.wake);
    globalThis.removeEventListener("pageshow", this.wake);
    globalThis.removeEventListener("online", this.wake);
    this.link.close();
  }

  on<E extends keyof CaseEvents>(event: E, listener: (body: CaseEvents[E]) => void): () => void {
    return this.link.on<CaseEvents[E]>(event, listener);
  }

  resume = async (lanes: LanePositions): Promise<LaneAnswers> =>
    (await this.link.command<{ lanes: LaneAnswers }>("lanes_resume", { lanes })).lanes;
  pull = (lane: string, afterSeq: number): Promise<{ events: LaneEvent[]; head_seq: number }> =>
    this.link.command("lane_pull", { lane, after_seq: afterSeq });
  post = (message: { lane: string; client_id: string; type: MessageType; body: Record<string, unknown> }): Promise<PostAck> =>
    this.link.command<PostAck>("message_post", message);
  receipt = (report: { lane: string; delivered_seq?: number; read_seq?: number }): Promise<unknown> =>
    this.link.command("receipt_update", report);

  private readonly wake = (): void => {
    if (document.visibilityState === "hidden" || this.timer === null) return;
    if (this.link.state === "connected") void this.beat(PROOF_DEADLINE_MS);
    // Waiting for its turn, or connecting since before the sleep: at once and afresh.
    else if (this.link.state === "waiting") this.again();
  };

  private async beat(deadlineMs: number): Promise<void> {
    if (!this.isUp || this.isProving) return;
    this.isProving = true;
    try {
      const { heads } = await this.link.command<{ heads: Record<string, number> }>("heartbeat", {}, deadlineMs);
      this.listener.onHeads(heads);
    } catch (error) {
      if (asProblem(error).code === "network.timeout" && this.timer !== null) this.again();
    } finally {
      this.isProving = false;
    }
  }

  private again(): void {
    this.link.close();
    this.link.open();
  }
}
