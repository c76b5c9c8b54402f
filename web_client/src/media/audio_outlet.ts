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
}

export class AudioOutlet {
  readonly isBlocked = new Observable(false);
  private readonly speakers = new Map<string, { track: MediaStreamTrack; speaker: Speaker }>();

  constructor(private readonly createSpeaker: () => Speaker = pageSpeaker) {}

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
      const speaker = this.createSpeaker();
      speaker.srcObject = new MediaStream([track]);
      this.speakers.set(key, { track, speaker });
      void this.play(speaker);
    }
  }

  /** Called inside the person's tap. */
  async unlock(): Promise<void> {
    this.isBlocked.set(false);
    await Promise.all([...this.speakers.values()].map(({ speaker }) => this.play(speaker)));
  }

  close(): void {
    this.follow(new Map());
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

function pageSpeaker(): Speaker {
  const element = document.createElement("audio");
  element.autoplay = true;
  element.setAttribute("playsinline", "");
  element.hidden = true;
  document.body.append(element);
  return element;
}
