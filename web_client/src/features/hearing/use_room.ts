import { computed, onScopeDispose, ref, watch } from "vue";
import { localMemory } from "@/media/device_book";
import { AudioOutlet, canChooseSpeaker } from "@/media/audio_outlet";
import { browserClock } from "@/media/clock";
import type { DeviceKind } from "@/media/device_book";
import { LayerWishes } from "@/media/layer_wishes";
import { audioContext } from "@/media/level_meter";
import { RoomClient } from "@/media/room_client";
import { StayAwake } from "@/media/wake_lock";
import { Refusal, type Source, trackKey } from "@/media/words";
import { asRef } from "@/stores/capture";
import { asRefusal } from "@/stores/hearing_link";
import type { HearingVisit } from "@/stores/hearing_visit";
import { useScreenShare } from "./use_screen_share";

/** The person's place in the hearing room as the page sees it: refs to look at, verbs to call. */
export function useRoom({ link, capture, shaken }: HearingVisit) {
  const ends: (() => void)[] = [];
  const client = new RoomClient({
    channel: link.channel,
    door: link.door,
    identity: () => link.hearing.value?.me.person_id ?? null,
    createPeer: (servers) => new RTCPeerConnection({ iceServers: servers, bundlePolicy: "max-bundle" }),
    sendableCodecs: (kind) => (typeof RTCRtpSender === "undefined" ? undefined : RTCRtpSender.getCapabilities?.(kind)?.codecs),
  });
  const outlet = new AudioOutlet();
  const wishes = new LayerWishes(browserClock, (identity, source, heightPx) => client.prefer(identity, source, heightPx));
  const awake = new StayAwake();

  const state = asRef(client.state, ends);
  const endReason = asRef(client.endReason, ends);
  const remote = asRef(client.remote, ends);
  const rungs = asRef(client.rungs, ends);
  const isSoundBlocked = asRef(outlet.isBlocked, ends);
  const awakeState = asRef(awake.state, ends);
  const pictures = asRef(client.pictures, ends);
  const share = useScreenShare(client, link.me, ends);
  const speakerId = ref(localMemory.read("speaker") ?? "");
  /** Neither sending nor asking for faces; `camera`: it was on and comes back with the rest. */
  const audioOnly = ref<{ camera: boolean } | null>(null);
  const hasEntered = ref(false);
  const refusal = ref<Refusal | null>(null);
  const speaker = ref<string | null>(link.hearing.value?.speaker ?? null);

  ends.push(
    client.remote.watch((tracks) => outlet.follow(tracks)),
    client.seatings.watch(() => seatTaken()),
    link.channel.on("speaker_changed", (body: { identity: string | null }) => (speaker.value = body.identity)),
    watch(shaken, () => client.networkChanged()),
    watch(() => link.hearing.value?.state, (next, before) => hearingMoved(next, before)),
    watch(() => link.me.value?.presence, (presence) => presence === "removed" && void client.leave()),
  );
  for (const [kind, device] of [["microphone", capture.microphone], ["camera", capture.camera]] as const) {
    ends.push(watch(device, ({ track }) => hasEntered.value && void follow(kind, track)));
  }
  // Phones stop voices in the background and do not always go on by themselves.
  const seenAgain = (): void => void (document.visibilityState === "visible" && hasEntered.value && outlet.unlock());
  document.addEventListener("visibilitychange", seenAgain);
  ends.push(() => document.removeEventListener("visibilitychange", seenAgain));
  onScopeDispose(() => {
    for (const end of ends) end();
    wishes.close();
    outlet.close();
    awake.close();
    void client.leave().finally(() => client.close());
  });

  async function follow(kind: DeviceKind, track: MediaStreamTrack | null): Promise<void> {
    try {
      await (track ? client.publish(kind, track) : client.pause(kind));
    } catch {
      // The link's own ladder tries again; the person sees the connection's state.
    }
  }

  /** A new seat knows neither one's own mutes nor the sizes of one's pictures. */
  function seatTaken(): void {
    wishes.sayAgain();
    if (!capture.isMicrophoneOn.value) sayMuted("microphone", true);
    if (!capture.isCameraOn.value) sayMuted("camera", true);
  }

  function hearingMoved(next: string | undefined, before: string | undefined): void {
    // Closing was undone: everybody is back without a tap.
    if (hasEntered.value && before === "closed" && next !== "closed" && state.value !== "in") void sit();
  }

  function sayMuted(source: Source, muted: boolean): void {
    client.mute(source, muted).catch(() => undefined);
  }

  /** Tells the browser and the court; the camera's light follows. */
  async function turnCamera(isOn: boolean): Promise<void> {
    await capture.setCameraOn(isOn);
    sayMuted("camera", !isOn);
  }

  /** Voices alone: what a weak line can carry longest. Shown screens stay, they are evidence. */
  async function setAudioOnly(isOn: boolean): Promise<void> {
    if (isOn === (audioOnly.value !== null)) return;
    const hadCamera = audioOnly.value?.camera ?? capture.isCameraOn.value;
    audioOnly.value = isOn ? { camera: hadCamera } : null;
    wishes.restFaces(isOn);
    if (hadCamera) await turnCamera(!isOn);
  }

  /** Why a picture of the room is not sent here now; null when it is, or should be. */
  function whyPaused(identity: string, source: Source): "own" | "network" | "count" | null {
    if (audioOnly.value && source === "camera") return "own";
    const now = pictures.value;
    if (!now || now.shown.some(([who, what]) => who === identity && what === source)) return null;
    // Without a reason it is only not here yet.
    return now.because;
  }

  async function chooseSpeaker(id: string): Promise<void> {
    speakerId.value = id;
    localMemory.write("speaker", id);
    if (!(await outlet.through(id))) speakerId.value = "";
  }

  async function sit(): Promise<void> {
    refusal.value = null;
    const microphone = capture.microphone.value.track;
    const camera = capture.camera.value.track;
    try {
      await client.join({ ...(microphone ? { microphone } : {}), ...(camera ? { camera } : {}) });
    } catch (error) {
      refusal.value = error instanceof Refusal ? error : asRefusal(error);
    }
  }

  return {
    state,
    endReason,
    remote,
    rungs,
    refusal,
    speaker,
    hasEntered,
    isSoundBlocked,
    isReturning: computed(
      () => state.value === "returning" || [rungs.value.up, rungs.value.down].some((rung) => rung !== "steady" && rung !== "doubtful"),
    ),
    share,
    isAwake: computed(() => awakeState.value === "on"),
    isAudioOnly: computed(() => audioOnly.value !== null),
    setAudioOnly,
    speakerId,
    canChooseSpeaker: canChooseSpeaker(),
    chooseSpeaker,
    whyPaused,
    picture: (identity: string, source: "camera" | "screen" = "camera"): MediaStreamTrack | null =>
      remote.value.get(trackKey(identity, source))?.track ?? null,
    hasVoice: (identity: string): boolean => remote.value.has(trackKey(identity, "microphone")),
    /** The one tap: sound is unlocked, devices open, the seat is taken. */
    async enter(): Promise<void> {
      audioContext();
      hasEntered.value = true;
      void awake.start();
      if (speakerId.value !== "") void chooseSpeaker(speakerId.value);
      link.say({ stage: "present" });
      await capture.book.open(capture.isCameraOn.value ? ["microphone", "camera"] : ["microphone"]);
      await sit();
    },
    unlockSound: () => outlet.unlock(),
    /** The one tap after a call or a sleep: everything that was taken is taken back, sound included. */
    async comeBack(): Promise<void> {
      audioContext();
      void awake.start();
      void link.prove();
      await Promise.all([outlet.unlock(), capture.recover()]);
      if (!client.isConnected.value) client.networkChanged();
    },
    tileSized: (identity: string, heightPx: number, source: "camera" | "screen" = "camera"): void =>
      wishes.tileSized(identity, source, heightPx),
    toggleMicrophone(): void {
      capture.setMicrophoneOn(!capture.isMicrophoneOn.value);
      sayMuted("microphone", !capture.isMicrophoneOn.value);
    },
    async toggleCamera(): Promise<void> {
      const isOn = !capture.isCameraOn.value;
      // Who turns the camera on wants pictures again.
      if (isOn && audioOnly.value) {
        audioOnly.value = null;
        wishes.restFaces(false);
      }
      await turnCamera(isOn);
    },
    stats: () => client.stats(),
    sitAgain: sit,
    async leave(): Promise<void> {
      hasEntered.value = false;
      share.stop();
      await client.leave();
    },
  };
}
export type Room = ReturnType<typeof useRoom>;
