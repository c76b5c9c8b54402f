import { computed, ref, type Ref, shallowRef, type ShallowRef } from "vue";
import { CaptureWatch, type CaptureTrouble } from "@/media/capture_watch";
import { browserClock } from "@/media/clock";
import { DeviceBook, type DeviceChoice, type DeviceKind, type DeviceMove, type DeviceState, localMemory } from "@/media/device_book";
import type { DeviceProblem } from "@/media/device_problem";
import { LevelMeter, openSampleReader } from "@/media/level_meter";
import type { Watchable } from "@/media/observable";

/** A media value as a Vue ref; media objects are never made deeply reactive. */
export function asRef<T>(watched: Watchable<T>, ends: (() => void)[]): ShallowRef<T> {
  const mirror = shallowRef(watched.value) as ShallowRef<T>;
  ends.push(watched.watch((value) => (mirror.value = value)));
  return mirror;
}

/** The person's own microphone and camera, for every page of one hearing: asked for once, kept open between them. */
export function createCapture() {
  const ends: (() => void)[] = [];
  const book = new DeviceBook(navigator.mediaDevices as MediaDevices | undefined, localMemory);
  const meter = new LevelMeter(browserClock, openSampleReader);
  const isMicrophoneOn = ref(true);
  const isCameraOn = ref(true);
  const watch = new CaptureWatch({
    book,
    after: (delayMs, run) => browserClock.after(delayMs, run),
    deadForMs: meter.deadForMs,
    wantsSound: () => isMicrophoneOn.value,
  });
  ends.push(
    book.microphone.watch(({ track }) => {
      if (track) track.enabled = isMicrophoneOn.value;
      meter.watchTrack(track);
    }),
  );

  const microphone: ShallowRef<DeviceState> = asRef(book.microphone, ends);
  const camera: ShallowRef<DeviceState> = asRef(book.camera, ends);
  const choices: ShallowRef<Record<DeviceKind, DeviceChoice[]>> = asRef(book.choices, ends);
  const speakers: ShallowRef<DeviceChoice[]> = asRef(book.speakers, ends);
  const moved: ShallowRef<DeviceMove | null> = asRef(book.moved, ends);
  /** The last choice that did not open. */
  const choiceProblem = ref<{ kind: DeviceKind; problem: DeviceProblem } | null>(null);
  const facing = computed(() => camera.value.track?.getSettings().facingMode);
  const level: Ref<number> = asRef(meter.level, ends);
  const trouble: ShallowRef<readonly CaptureTrouble[]> = asRef(watch.trouble, ends);
  /** A call or another app has the device: what the court is told. Dead silence is only a hint to the person. */
  const isInterrupted = computed(() => trouble.value.some(({ cause }) => cause !== "dead_silence"));

  const isCalled = computed(() => trouble.value.some(({ kind, cause }) => kind === "microphone" && cause !== "dead_silence"));

  return {
    book,
    microphone,
    camera,
    choices,
    level,
    trouble,
    isInterrupted,
    isCalled,
    isMicrophoneOn,
    isCameraOn,
    speakers,
    moved,
    choiceProblem,
    /** Phones say which way a camera looks; a computer's cameras are chosen by name. */
    canFlip: computed(() => facing.value !== undefined && choices.value.camera.length > 1),
    /** A mirror for oneself alone; what the back camera shows must be legible. */
    isMirrored: computed(() => facing.value !== "environment"),
    async choose(kind: DeviceKind, id: string): Promise<void> {
      const problem = await book.choose(kind, id);
      choiceProblem.value = problem && { kind, problem };
    },
    async flip(): Promise<void> {
      const problem = await book.flip();
      choiceProblem.value = problem && { kind: "camera", problem };
    },
    setMicrophoneOn(isOn: boolean): void {
      isMicrophoneOn.value = isOn;
      // Silence keeps flowing, so that the court sees "microphone off" and not "no signal".
      const track = book.microphone.value.track;
      if (track) track.enabled = isOn;
    },
    async setCameraOn(isOn: boolean): Promise<void> {
      isCameraOn.value = isOn;
      if (isOn) await book.open(["camera"]);
      else book.shut("camera");
    },
    /** One tap after a phone call: take everything back that was lost. */
    async recover(): Promise<void> {
      const kinds = new Set<DeviceKind>(trouble.value.map(({ kind }) => kind));
      if (microphone.value.track?.readyState !== "live") kinds.add("microphone");
      if (isCameraOn.value && camera.value.track?.readyState !== "live") kinds.add("camera");
      for (const kind of kinds) await book.reopen(kind);
    },
    /** Both devices off, to be opened again when wanted. */
    letGo(): void {
      book.shut("camera");
      book.shut("microphone");
    },
    close(): void {
      for (const end of ends) end();
      watch.close();
      meter.stop();
      book.close();
    },
  };
}
export type Capture = ReturnType<typeof createCapture>;
