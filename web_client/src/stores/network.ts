import { defineStore } from "pinia";
import { ref } from "vue";
import { setReachListener } from "@/api/request";

/** What the browser says about the network, and whether the last request got any answer. */
export const useNetwork = defineStore("network", () => {
  const isOnline = ref(navigator.onLine !== false);
  addEventListener("online", () => (isOnline.value = true));
  addEventListener("offline", () => (isOnline.value = false));
  const isServerAway = ref(false);
  setReachListener((isReached) => (isServerAway.value = !isReached));
  return { isOnline, isServerAway };
});
