import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";
import { readCase } from "@/api/cases";
import { asProblem, type Problem } from "@/api/problem";
import { readSpace } from "@/api/space";
import { type CaseSpace, isCourt, type LaneBrief, type Member } from "@/model/space";
import type { Case, HearingState } from "@/model/types";
import { useCaseLife } from "@/stores/case_life";
import { useSession } from "@/stores/session";

/** A lost connection is said after this: the short gaps of a phone network are nobody's business. */
const SAY_LOST_AFTER_MS = 2_000;

/** One case's space on this page: its lanes live, its members, and where reading stopped when it was opened. */
export function useCaseSpace(caseId: string) {
  const life = useCaseLife();
  const session = useSession();
  const space = shallowRef<CaseSpace | null>(null);
  const file = shallowRef<Case | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const isLoading = ref(false);
  const chosen = ref<string | null>(null);
  const isLost = ref(false);
  const unreadAfter = shallowRef<Record<string, number>>({});

  const me = computed(() => session.me?.id ?? "");
  const lane = computed<LaneBrief | null>(() => space.value?.lanes.find((one) => one.lane === chosen.value) ?? space.value?.lanes[0] ?? null);
  const log = computed(() => (lane.value ? (life.logs[lane.value.lane] ?? null) : null));
  const members = computed<Member[]>(() => space.value?.members ?? []);
  const memberOf = computed(() => new Map(members.value.map((member) => [member.person_id, member])));

  /** Whose reading is shown to us: all but ourselves; parties do not see whether the court has read. */
  const watchedReaders = computed(() =>
    members.value.filter(({ person_id: id, role }) => {
      if (id === me.value) return false;
      if (lane.value && !lane.value.readers.includes(id)) return false;
      return session.isStaff || !isCourt(role);
    }),
  );

  function unread(one: LaneBrief): number {
    const { lastSeq = one.head_seq, headSeq = one.head_seq, events = [] } = life.logs[one.lane] ?? {};
    const read = Math.max(one.read_seq, life.receipts[one.lane]?.[me.value]?.read_seq ?? 0);
    const own = events.filter((event) => event.seq > read && event.sender?.person_id === me.value).length;
    return Math.max(0, Math.max(lastSeq, headSeq) - read - own);
  }

  function hearingState(id: unknown): HearingState | null {
    return file.value?.hearings.find((hearing) => hearing.id === id)?.state ?? null;
  }

  async function readFile(): Promise<void> {
    file.value = await readCase(caseId).catch(() => file.value);
  }

  async function load(): Promise<void> {
    isLoading.value = true;
    try {
      const [now] = await Promise.all([readSpace(caseId), readFile()]);
      unreadAfter.value = Object.fromEntries(now.lanes.flatMap((one) => (one.read_seq < one.head_seq ? [[one.lane, one.read_seq]] : [])));
      space.value = now;
      await life.openLanes(now);
      problem.value = null;
    } catch (error) {
      problem.value = asProblem(error);
    } finally {
      isLoading.value = false;
    }
  }

  async function refreshMembers(): Promise<void> {
    try {
      const now = await readSpace(caseId);
      const known = new Set(space.value?.lanes.map((one) => one.lane));
      space.value = now;
      if (now.lanes.some((one) => !known.has(one.lane))) await life.openLanes(now);
    } catch (error) {
      // Off the case: nothing of it stays on this page.
      if (asProblem(error).status !== 404) return;
      space.value = file.value = null;
      problem.value = asProblem(error);
    }
  }

  let lostTimer: ReturnType<typeof setTimeout> | null = null;
  watch(
    () => life.isUp,
    (isUp) => {
      if (lostTimer !== null) clearTimeout(lostTimer);
      if (isUp) isLost.value = false;
      else lostTimer = setTimeout(() => (isLost.value = !life.isUp), SAY_LOST_AFTER_MS);
    },
    { immediate: true },
  );
  onScopeDispose(() => lostTimer !== null && clearTimeout(lostTimer));
  watch(
    () => life.changes[caseId],
    () => {
      void readFile();
      void refreshMembers();
    },
  );
  // A card tells of a change of the hearings; the buttons on the cards follow it.
  watch(
    () => log.value?.events.at(-1),
    (last) => last?.type === "card" && void readFile(),
  );
  void load();

  return { caseId, space, file, problem, isLoading, load, lane, chosen, log, me, members, memberOf, watchedReaders, unread, unreadAfter, isLost, hearingState, refresh: refreshMembers };
}
export type CaseSpaceView = ReturnType<typeof useCaseSpace>;
