import { effectScope, onScopeDispose, ref, type Ref, watch } from "vue";
import { browserClock } from "@/media/clock";
import { wakeAudioContext } from "@/media/level_meter";
import { PageWatch } from "@/media/page_watch";
import { type Capture, createCapture } from "./capture";
import { createHearingLink, type HearingLink } from "./hearing_link";

export interface HearingVisit {
  link: HearingLink;
  capture: Capture;
  /** Counts up when the network changed or the page slept: connections must be proven. */
  shaken: Ref<number>;
  /** The person tapped their way from the door into the room: no second tap is needed. */
  isCalledIn: Ref<boolean>;
}

/** Pages of one hearing follow each other within this; a longer pause ends the visit and lets go of camera and socket. */
const LINGER_MS = 1_500;
/** Longer than the server waits for a pong. */
const SURELY_DEAD_MS = 20_000;

interface Kept {
  visit: HearingVisit;
  users: number;
  end(): void;
}
const kept = new Map<string, Kept>();

function begin(hearingId: string): Kept {
  const scope = effectScope(true);
  const made = scope.run(() => {
    const link = createHearingLink(hearingId);
    const capture = createCapture();
    const shaken = ref(0);
    const page = new PageWatch(
      {
        hidden: () => sayPage(),
        visible: () => {
          wakeAudioContext();
          sayPage();
          void link.prove();
        },
        woke: (sleptMs) => {
          // The server has closed a socket that was silent for so long; asking it would only cost the answer's wait.
          if (sleptMs > SURELY_DEAD_MS) link.reconnect();
          else void link.prove();
          shaken.value += 1;
        },
        networkChanged: () => {
          // The old address is gone, and the socket with it.
          link.reconnect();
          shaken.value += 1;
        },
      },
      browserClock,
    );
    /** Phones rest the camera of a hidden page: that is no call. A microphone that is taken away is one, seen or not. */
    function sayPage(): void {
      if (document.visibilityState === "visible") link.say({ page: capture.isInterrupted.value ? "interrupted" : "visible" });
      else link.say({ page: capture.isCalled.value ? "interrupted" : "hidden" });
    }
    watch([capture.isInterrupted, capture.isCalled], sayPage);
    link.open();
    return { visit: { link, capture, shaken, isCalledIn: ref(false) }, page };
  })!;
  return {
    visit: made.visit,
    users: 0,
    end() {
      made.page.close();
      made.visit.link.close();
      made.visit.capture.close();
      scope.stop();
    },
  };
}

/** The visit of this person to this hearing, shared by door, waiting room and hearing room. */
export function useHearingVisit(hearingId: string): HearingVisit {
  const entry = kept.get(hearingId) ?? begin(hearingId);
  kept.set(hearingId, entry);
  entry.users += 1;
  onScopeDispose(() => {
    entry.users -= 1;
    setTimeout(() => {
      if (entry.users > 0 || kept.get(hearingId) !== entry) return;
      kept.delete(hearingId);
      entry.end();
    }, LINGER_MS);
  });
  return entry.visit;
}
