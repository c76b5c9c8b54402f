import { computed, onScopeDispose, ref, watch } from "vue";
import { askGrant } from "@/api/hearings";
import { AudioOutlet } from "@/media/audio_outlet";
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

/** The person's place in the hearing room as the page sees it: refs to look at, verbs to call. */
export function useRoom(hearingId: string, { link, capture, shaken }: HearingVisit) {
  const ends: (() => void)[] = [];
  const client = new RoomClient({
    channel: link.channel,
    fetchGrant: () =>
      askGrant(hearingId).catch((error: unknown) => {
        throw asRefusal(error);
      }),
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
  const hasEntered = ref(false);
  const refusal = ref<Refusal | null>(null);
  const speaker = ref<string | null>(link.hearing.value?.speaker ?? null);

  ends.push(
    client.remote.watch((tracks) => outlet.follow(tracks)),
    client.state.watch((next) => next === "in" && seatTaken()),
    link.channel.on("speaker_changed", (body: { identity: string | null }) => (speaker.value = body.identity)),
    watch(shaken, () => client.networkChanged()),
    watch(() => link.hearing.value?.state, (next, before) => hearingMoved(next, before)),
    watch(() => link.me.value?.presence, (presence) => presence === "removed" && void client.leave()),
  );
  for (const [kind, device] of [["microphone", capture.microphone], ["camera", capture.camera]] as const) {
    ends.push(watch(device, ({ track }) => hasEntered.value && void follow(kind, track)));
  }
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
    picture: (identity: string): MediaStreamTrack | null =>
      (remote.value.get(trackKey(identity, "screen")) ?? remote.value.get(trackKey(identity, "camera")))?.track ?? null,
    hasVoice: (identity: string): boolean => remote.value.has(trackKey(identity, "microphone")),
    /** The one tap: sound is unlocked, devices open, the seat is taken. */
    async enter(): Promise<void> {
      audioContext();
      hasEntered.value = true;
      void awake.start();
      link.say({ stage: "present" });
      await capture.book.open(capture.isCameraOn.value ? ["microphone", "camera"] : ["microphone"]);
      await sit();
    },
    unlockSound: () => outlet.unlock(),
    tileSized: (identity: string, heightPx: number): void => wishes.tileSized(identity, "camera", heightPx),
    toggleMicrophone(): void {
      capture.setMicrophoneOn(!capture.isMicrophoneOn.value);
      sayMuted("microphone", !capture.isMicrophoneOn.value);
    },
    async toggleCamera(): Promise<void> {
      await capture.setCameraOn(!capture.isCameraOn.value);
      sayMuted("camera", !capture.isCameraOn.value);
    },
    stats: () => client.stats(),
    sitAgain: sit,
    async leave(): Promise<void> {
      hasEntered.value = false;
      await client.leave();
    },
  };
}
export type Room = ReturnType<typeof useRoom>;
