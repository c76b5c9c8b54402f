import { getCurrentScope, onScopeDispose, shallowRef } from "vue";
import { VoicePlayer } from "@/media/voice_player";

/** What was heard on this device; old ones are forgotten first. */
const KEPT_MARKS = 500;
const KEY = "hs_heard_voices";

function readHeard(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

const heard = shallowRef<ReadonlySet<string>>(new Set(readHeard()));

function markHeard(id: string): void {
  if (heard.value.has(id)) return;
  heard.value = new Set([...heard.value, id].slice(-KEPT_MARKS));
  try {
    localStorage.setItem(KEY, JSON.stringify([...heard.value]));
  } catch {
    // Without storage the dot comes back after a reload.
  }
}

const player = new VoicePlayer(() => new Audio(), markHeard);
const now = shallowRef(player.now.value);
const speed = shallowRef(player.speed.value);
player.now.watch((value) => {
  now.value = value;
  if (value.id !== null && value.isPlaying) markHeard(value.id);
});
player.speed.watch((value) => (speed.value = value));
let users = 0;

/** The page's one player: a second message stops the first; leaving the last list stops it. */
export function useVoicePlayer() {
  users += 1;
  if (getCurrentScope()) {
    onScopeDispose(() => {
      users -= 1;
      if (users === 0) player.stop();
    });
  }
  return {
    now,
    speed,
    heard,
    toggle: (id: string, address: string): void => player.toggle(id, address),
    seek: (id: string, address: string, positionMs: number): void => player.seek(id, address, positionMs),
    nextSpeed: (): void => player.nextSpeed(),
    stop: (): void => player.stop(),
  };
}
