/** Showing one's own screen: asked for in a tap, ended by the person, by the browser's own "stop sharing", or by leaving. */
import { Observable, type Unsubscribe } from "./observable";

/** `failed`: the browser or the system did not let it happen. A person who only thought better of it is no problem. */
export type ShareProblem = "system_denied" | "failed";

export interface ShareState {
  track: MediaStreamTrack | null;
  isAsking: boolean;
  problem: ShareProblem | null;
}

export type DisplayDevices = Pick<MediaDevices, "getDisplayMedia">;

/** Full size up to 1440 lines: a page stays legible, and one core can still encode it. */
const CONSTRAINTS = {
  video: { width: { max: 2560 }, height: { max: 1440 }, frameRate: { ideal: 10, max: 15 } },
  audio: false,
  // The hearing inside itself, without end, helps nobody. Browsers that do not know these words pass them over.
  selfBrowserSurface: "exclude",
  surfaceSwitching: "include",
  systemAudio: "exclude",
} as const;

const RESTING: ShareState = { track: null, isAsking: false, problem: null };

export class ScreenShare {
  readonly state = new Observable<ShareState>(RESTING);
  private unfollow: Unsubscribe = () => undefined;

  /** `devices` is undefined where nothing can be shared: phones, insecure pages. */
  constructor(private readonly devices: DisplayDevices | undefined) {}

  get isPossible(): boolean {
    return typeof this.devices?.getDisplayMedia === "function";
  }

  /** Called inside the person's tap; the browser asks which window. Null when nothing is shared. */
  async start(): Promise<MediaStreamTrack | null> {
    if (!this.devices || this.state.value.isAsking) return null;
    this.stop();
    this.state.set({ track: null, isAsking: true, problem: null });
    try {
      const stream = await this.devices.getDisplayMedia(CONSTRAINTS as DisplayMediaStreamOptions);
      const track = stream.getVideoTracks()[0] ?? null;
      if (!this.state.value.isAsking) {
        // Left or forbidden while the browser's question stood open.
        track?.stop();
        return null;
      }
      if (track) this.follow(track);
      this.state.set({ track, isAsking: false, problem: track ? null : "failed" });
      return track;
    } catch (error) {
      this.state.set({ track: null, isAsking: false, problem: shareProblem(error) });
      return null;
    }
  }

  stop(): void {
    this.unfollow();
    this.unfollow = () => undefined;
    this.state.value.track?.stop();
    this.state.set(RESTING);
  }

  private follow(track: MediaStreamTrack): void {
    // The browser's own bar was used, or the shared window was closed.
    const ended = (): void => this.stop();
    track.addEventListener("ended", ended);
    this.unfollow = () => track.removeEventListener("ended", ended);
  }
}

function shareProblem(error: unknown): ShareProblem | null {
  const { name, message } = error instanceof Error ? error : { name: "", message: "" };
  if (name === "NotAllowedError") return /system/i.test(message) ? "system_denied" : null;
  return name === "AbortError" ? null : "failed";
}
