import { io, type Socket } from "socket.io-client";
import { asProblem, Problem, problemFromBody } from "@/api/problem";
import { askSocketTicket } from "@/api/session";

export type LinkState = "idle" | "connecting" | "connected" | "waiting" | "closed" | "refused";

/** The part of a Socket.IO socket the link uses; tests give their own. */
export type WireSocket = Pick<Socket, "connect" | "disconnect" | "on" | "emit"> & { auth: unknown };

export interface SocketLinkOptions {
  namespace: "/case" | "/hearing";
  /** Sent beside the ticket at every CONNECT, e.g. `{hearing_id}`. */
  auth?: Record<string, unknown>;
  /** Connected, at first or again: resume here. Runs before `onState("connected")`. */
  onConnected?: (again: boolean) => void;
  onState?: (state: LinkState) => void;
  /** The server will not have us (signed out, not on this hearing): no further attempts. */
  onRefused?: (problem: Problem) => void;
  askTicket?: () => Promise<string>;
  makeSocket?: (namespace: string) => WireSocket;
}

/** Long enough for a commit on a busy disk, short enough that a person is told. */
const ACK_TIMEOUT_MS = 8_000;
const FIRST_WAIT_MS = 400;
// A hearing goes on without whoever waits: two seconds after the server is back everybody has tried.
const LONGEST_WAIT_MS = 2_000;
/** The longest a stopping server may ask to wait. */
const LONGEST_COME_BACK_MS = 10_000;
/** An attempt that neither connects nor fails is given up after this. */
const CONNECT_TIMEOUT_MS = 10_000;

/** WebSocket only: no long polling, so one connection is one order of events. */
function makeSocketIo(namespace: string): WireSocket {
  return io(namespace, {
    path: "/socket.io/",
    // For the proxy: hearings are in one server process, case spaces may be in several.
    query: { for: namespace.slice(1) },
    transports: ["websocket"],
    forceNew: true,
    autoConnect: false,
    reconnection: false,
    timeout: CONNECT_TIMEOUT_MS,
  });
}

/**
 * One namespace, kept connected. Socket.IO's own reconnecting would reuse a spent ticket, so each attempt
 * takes a fresh one; waits grow 0.4 s → 2 s with jitter, and the network's return or the page's tries at once.
 */
export class SocketLink {
  state: LinkState = "idle";
  private readonly socket: WireSocket;
  private attempt = 0;
  /** Said by a server that stops in good order: when to come back. */
  private comeBackMs: number | null = null;
  private hasConnected = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private generation = 0;
  /** Commands that wait for their ack: on a socket that is gone none will come. */
  private readonly waiting = new Set<() => void>();

  constructor(private readonly options: SocketLinkOptions) {
    this.socket = (options.makeSocket ?? makeSocketIo)(options.namespace);
    this.socket.on("connect", () => this.connected());
    this.socket.on("disconnect", () => this.lost());
    this.socket.on("server_leaving", (body: { retry_after_ms?: unknown }) => {
      if (typeof body?.retry_after_ms === "number") this.comeBackMs = Math.min(LONGEST_COME_BACK_MS, Math.max(0, body.retry_after_ms));
    });
    this.socket.on("connect_error", (error: Error & { data?: unknown }) => this.failed(error));
  }

  open(): void {
    if (this.state !== "idle" && this.state !== "closed") return;
    globalThis.addEventListener?.("online", this.wake);
    globalThis.document?.addEventListener("visibilitychange", this.wake);
    void this.try();
  }

  close(): void {
    this.stop("closed");
  }

  /** Hear an event; returns the way to stop hearing. */
  on<T>(event: string, listener: (body: T) => void): () => void {
    let isOn = true;
    this.socket.on(event, (body: T) => {
      if (isOn) listener(body);
    });
    return () => {
      isOn = false;
    };
  }

  /** One command; the ack's fields, or a thrown `Problem` (the server's, or `network.*`). */
  async command<T = Record<string, unknown>>(
    name: string,
    body: Record<string, unknown> = {},
    timeoutMs = ACK_TIMEOUT_MS,
  ): Promise<T> {
    if (this.state !== "connected") throw new Problem({ code: "network.offline", title: "" });
    const ack = await new Promise<Record<string, unknown>>((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.waiting.delete(forsake);
        settle();
      };
      const forsake = (): void => end(() => reject(new Problem({ code: "network.offline", title: "" })));
      const timer = setTimeout(() => end(() => reject(new Problem({ code: "network.timeout", title: "" }))), timeoutMs);
      this.waiting.add(forsake);
      this.socket.emit(name, body, (answer: Record<string, unknown>) => end(() => resolve(answer)));
    });
    if (ack["ok"] !== true) throw problemFromBody(0, ack);
    return ack as T;
  }

  private readonly wake = (): void => {
    if (this.state !== "waiting" || globalThis.document?.visibilityState === "hidden") return;
    void this.try();
  };

  private async try(): Promise<void> {
    this.clearTimer();
    const generation = ++this.generation;
    this.enter("connecting");
    try {
      const ticket = await (this.options.askTicket ?? askSocketTicket)();
      if (generation !== this.generation) return;
      this.socket.auth = { ...this.options.auth, ticket };
      this.socket.connect();
    } catch (error) {
      if (generation === this.generation) this.retryOrStop(asProblem(error));
    }
  }

  private connected(): void {
    const again = this.hasConnected;
    this.hasConnected = true;
    this.attempt = 0;
    this.state = "connected";
    this.options.onConnected?.(again);
    this.options.onState?.("connected");
  }

  private lost(): void {
    this.forsakeCommands();
    if (this.state === "connected" || this.state === "connecting") this.waitThenTry();
  }

  private failed(error: Error & { data?: unknown }): void {
    if (this.state !== "connecting") return;
    this.retryOrStop(error.data === undefined ? asProblem(error) : problemFromBody(0, error.data));
  }

  private retryOrStop(problem: Problem): void {
    const isFinal = problem.status === 401 || problem.status === 403 || problem.status === 404;
    const isRefusal = /^(session|sign_in|auth)\./u.test(problem.code) || /^(not_found|forbidden|unauthorized)/u.test(problem.code);
    if (!isFinal && !isRefusal) return this.waitThenTry();
    this.stop("refused");
    this.options.onRefused?.(problem);
  }

  private waitThenTry(): void {
    const wait = this.comeBackMs ?? Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.attempt) * (0.75 + Math.random() * 0.5);
    this.comeBackMs = null;
    this.attempt += 1;
    this.enter("waiting");
    this.timer = setTimeout(() => void this.try(), wait);
  }

  private stop(state: "closed" | "refused"): void {
    this.generation += 1;
    this.clearTimer();
    globalThis.removeEventListener?.("online", this.wake);
    globalThis.document?.removeEventListener("visibilitychange", this.wake);
    this.enter(state);
    this.socket.disconnect();
    this.forsakeCommands();
  }

  /** An ack cannot come by another socket: whoever waits would only stand in the way of what the next one can do. */
  private forsakeCommands(): void {
    for (const forsake of [...this.waiting]) forsake();
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private enter(state: LinkState): void {
    this.state = state;
    this.options.onState?.(state);
  }
}
