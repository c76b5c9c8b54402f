import { computed, onScopeDispose, ref, watch } from "vue";
import { browserClock } from "@/media/clock";
import { audioContext } from "@/media/level_meter";
import { type SampleState, VoiceSample } from "@/media/voice_sample";
import { asRef, type Capture } from "@/stores/capture";

export type Verdict = "waiting" | "passed" | "failed";

/** A third of the bar, three times within a breath: a voice, not a knock on the table. */
const VOICE_LEVEL = 0.3;
const VOICE_READINGS = 3;

/** The three checks of the door: one's picture, one's voice, and the voice heard back. */
export function useSelfTest(capture: Capture) {
  const ends: (() => void)[] = [];
  const sample = new VoiceSample(browserClock);
  const sampleState = asRef<SampleState>(sample.state, ends);
  const elapsedMs = asRef(sample.elapsedMs, ends);
  const hasStarted = ref(capture.camera.value.track !== null || capture.microphone.value.track !== null);
  const pictureLines = ref(0);
  const voiceReadings = ref(0);
  const heardBack = ref<boolean | null>(null);
  const hasListened = ref(false);
  const isPlaying = ref(false);
  let player: HTMLAudioElement | null = null;

  ends.push(watch(capture.level, (level) => (voiceReadings.value += level >= VOICE_LEVEL ? 1 : 0)));

  const camera = computed<Verdict>(() => {
    if (capture.camera.value.problem) return "failed";
    return pictureLines.value > 0 ? "passed" : "waiting";
  });
  const microphone = computed<Verdict>(() => {
    if (capture.microphone.value.problem) return "failed";
    return voiceReadings.value >= VOICE_READINGS ? "passed" : "waiting";
  });
  const playback = computed<Verdict>(() => {
    if (heardBack.value === null) return sampleState.value === "failed" || sampleState.value === "unsupported" ? "failed" : "waiting";
    return heardBack.value ? "passed" : "failed";
  });
  const isPassed = computed(() => [camera, microphone, playback].every(({ value }) => value === "passed"));
  const isOver = computed(() => [camera, microphone, playback].every(({ value }) => value !== "waiting"));

  onScopeDispose(() => {
    for (const end of ends) end();
    player?.pause();
    sample.clear();
  });

  return {
    hasStarted,
    camera,
    microphone,
    playback,
    isPassed,
    isOver,
    sampleState,
    elapsedMs,
    isPlaying,
    hasListened,
    async start(): Promise<void> {
      audioContext(); // inside the tap, so that the meter and later the chime may run
      hasStarted.value = true;
      await capture.book.open();
    },
    pictureShown(size: { width: number; height: number }): void {
      pictureLines.value = Math.min(size.width, size.height);
    },
    record(): void {
      const track = capture.microphone.value.track;
      heardBack.value = null;
      hasListened.value = false;
      if (track) sample.start(track);
    },
    stopRecording: () => sample.stop(),
    async listen(): Promise<void> {
      if (!sample.url) return;
      player?.pause();
      player = new Audio(sample.url);
      player.addEventListener("ended", () => {
        isPlaying.value = false;
        hasListened.value = true;
      });
      isPlaying.value = true;
      try {
        await player.play();
      } catch {
        isPlaying.value = false;
      }
    },
    judgePlayback(isGood: boolean): void {
      heardBack.value = isGood;
    },
    details: () => ({
      lines: pictureLines.value,
      camera_problem: capture.camera.value.problem,
      microphone_problem: capture.microphone.value.problem,
    }),
  };
}
