/** Web push of this browser: whether it can, whether it does, and switching it on or off. */

import { addContact, endContact } from "@/api/progress";
import type { Contact } from "@/model/progress";

const WORKER = "/push_worker.js";

/** Safari on a phone shows pushes for pages on the home screen alone. */
export type PushAbility = "yes" | "blocked" | "home_screen" | "no";

export function pushAbility(): PushAbility {
  const isApplePhone = /iPhone|iPad/u.test(navigator.userAgent);
  const isOnHomeScreen = matchMedia("(display-mode: standalone)").matches;
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return isApplePhone && !isOnHomeScreen ? "home_screen" : "no";
  return Notification.permission === "denied" ? "blocked" : "yes";
}

export async function currentPush(): Promise<PushSubscription | null> {
  const worker = await navigator.serviceWorker?.getRegistration("/");
  return (await worker?.pushManager.getSubscription()) ?? null;
}

/** Ask, subscribe, tell the court. Throws what the browser throws; false when the person said no. */
export async function switchPushOn(publicKey: string): Promise<boolean> {
  if ((await Notification.requestPermission()) !== "granted") return false;
  await navigator.serviceWorker.register(WORKER, { scope: "/" });
  const worker = await navigator.serviceWorker.ready;
  const had = await worker.pushManager.getSubscription();
  // A subscription under another key is another court's, or an old one's: it would never be heard.
  if (had && !isSameKey(had.options.applicationServerKey, publicKey)) await had.unsubscribe();
  const push = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(publicKey) });
  const { endpoint, keys } = push.toJSON();
  await addContact("web_push", JSON.stringify({ endpoint, keys }), browserName());
  return true;
}

export async function switchPushOff(contacts: readonly Contact[]): Promise<void> {
  await (await currentPush())?.unsubscribe();
  for (const one of contacts.filter(({ channel }) => channel === "web_push")) await endContact(one.id);
}

export function browserName(agent = navigator.userAgent): string {
  const device = /iPhone/u.test(agent) ? "iPhone" : /iPad/u.test(agent) ? "iPad" : /Android/u.test(agent) ? "Android" : /Windows/u.test(agent) ? "Windows" : /Mac/u.test(agent) ? "Mac" : "Linux";
  const browser = /Edg\//u.test(agent) ? "Edge" : /Firefox\//u.test(agent) ? "Firefox" : /Chrome\//u.test(agent) ? "Chrome" : "Safari";
  return `${browser} · ${device}`;
}

export function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/gu, "+").replace(/_/gu, "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function isSameKey(held: ArrayBuffer | null, publicKey: string): boolean {
  if (held === null) return false;
  const wanted = bytesOf(publicKey);
  const found = new Uint8Array(held);
  return found.length === wanted.length && found.every((byte, at) => byte === wanted[at]);
}
