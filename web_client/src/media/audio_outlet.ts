/**
 * Everybody's voice into the person's ear. One audio element per voice, because a muted video always plays and a blocked
 * voice must not stop a picture. Where the browser refuses to play, `isBlocked` shows a "tap to hear" and nothing is tricked.
 */
import { Observable } from "./observable";
import type { RemoteTracks } from "./subscribe_link";

export interface Speaker {
  srcObject: MediaProvider | null;
  play(): Promise<void>;
  pause(): void;
  remove(): void;
  /** Another loudspeaker; missing where the browser does not let the page choose. */
  setSinkId?: (id: string) => Promise<void>;
}

/** `onPaused`: the system stopped a voice, as phones do for a call and sometimes forget afterwards. */
export type MakeSpeaker = (onPaused: () => void) => Speaker;

/** Whether this browser lets the page choose a loudspeaker. */
export const canChooseSpeaker = (): boolean => typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype;

export class AudioOutlet {
  readonly isBlocked = new Observable(false);
  private readonly speakers = new Map<string, { track: MediaStreamTrack; speaker: Speaker }>();

  private sinkId = "";

  constructor(private readonly createSpeaker: MakeSpeaker = pageSpeaker) {}

  follow(tracks: RemoteTracks): void {
    for (const [key, { track, speaker }] of [...this.speakers]) {
      if (tracks.get(key)?.track !== track) {
        speaker.pause();
        speaker.srcObject = null;
        speaker.remove();
        this.speakers.delete(key);
      }
    }
    for (const [key, { track, source }] of tracks) {
      if (source !== "microphone" || this.speakers.has(key)) continue;
      const speaker: Speaker = this.createSpeaker(() => this.paused(key, speaker));
      speaker.srcObject = new MediaStream([track]);
      this.speakers.set(key, { track, speaker });
      if (this.sinkId !== "") void this.point(speaker);
      void this.play(speaker);
    }
  }

  /** Called inside the person's tap. */
  async unlock(): Promise<void> {
    this.isBlocked.set(false);
    await Promise.all([...this.speakers.values()].map(({ speaker }) => this.play(speaker)));
  }

  /** All voices through this loudspeaker, those to come as well; empty is the system's own. False when it is gone. */
  async through(sinkId: string): Promise<boolean> {
    this.sinkId = sinkId;
    const pointed = await Promise.all([...this.speakers.values()].map(({ speaker }) => this.point(speaker)));
    return pointed.every(Boolean);
  }

  close(): void {
    this.follow(new Map());
  }

  private paused(key: string, speaker: Speaker): void {
    if (this.speakers.get(key)?.speaker === speaker) void this.play(speaker);
  }

  private async point(speaker: Speaker): Promise<boolean> {
    try {
      await speaker.setSinkId?.(this.sinkId);
      return true;
    } catch {
      // Pulled out since: the system's own is better than silence.
      await speaker.setSinkId?.("").catch(() => undefined);
      return false;
    }
  }

  private async play(speaker: Speaker): Promise<void> {
    try {
      await speaker.play();
    } catch (error) {
      // AbortError: the voice went away while it started; only a refusal needs the person.
      if (error instanceof Error && error.name === "NotAllowedError") this.isBlocked.set(true);
    }
  }
}

function pageSpeaker(onPaused: () => void): Speaker {
  const element = document.createElement("audio");
  element.autoplay = true;
  element.setAttribute("playsinline", "");
  element.hidden = true;
  element.addEventListener("pause", onPaused);
  document.body.append(element);
  return element;
}
