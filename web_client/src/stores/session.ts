import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { asProblem, type Problem } from "@/api/problem";
import { setSignedOutListener } from "@/api/request";
import { endSession, readConfig, readMe } from "@/api/session";
import type { Config, Me } from "@/model/types";

/** Who is signed in, and what this court is. Read once at start; a 401 anywhere forgets the person. */
export const useSession = defineStore("session", () => {
  const me = ref<Me | null>(null);
  const config = ref<Config | null>(null);
  const problem = ref<Problem | null>(null);
  const isReady = ref(false);
  /** The person was signed in and no longer is: the sign-in page says so. */
  const hasEnded = ref(false);
  let starting: Promise<void> | null = null;

  const isStaff = computed(() => me.value?.kind === "staff");
  const isDemo = computed(() => config.value?.demo === true);

  setSignedOutListener(() => {
    if (me.value !== null) hasEnded.value = true;
    me.value = null;
  });

  async function load(): Promise<void> {
    problem.value = null;
    try {
      const [read, who] = await Promise.all([
        readConfig(),
        readMe().catch((error: unknown) => {
          if (asProblem(error).status === 401) return null;
          throw error;
        }),
      ]);
      config.value = read;
      me.value = who;
      isReady.value = true;
    } catch (error) {
      problem.value = asProblem(error);
    } finally {
      starting = null;
    }
  }

  /** Config and person, asked for once however many pages want them. */
  function start(): Promise<void> {
    if (isReady.value) return Promise.resolve();
    starting ??= load();
    return starting;
  }

  function signedIn(person: Me): void {
    me.value = person;
    hasEnded.value = false;
  }

  /** The session ends on this device even when the server cannot be told; the cookie then dies by its age. */
  async function signOut(): Promise<void> {
    try {
      await endSession();
    } finally {
      me.value = null;
      hasEnded.value = false;
    }
  }

  return { me, config, problem, isReady, hasEnded, isStaff, isDemo, start, signedIn, signOut };
});
