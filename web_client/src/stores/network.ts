import { defineStore } from "pinia";
import { ref } from "vue";

/** What the browser says about the network; the socket's own word is with its link. */
export const useNetwork = defineStore("network", () => {
  const isOnline = ref(navigator.onLine !== false);
  addEventListener("online", () => (isOnline.value = true));
  addEventListener("offline", () => (isOnline.value = false));
  return { isOnline };
});
