import { computed, ref, toValue, type MaybeRefOrGetter } from "vue";
import { useWords } from "@/i18n/words";
import { fileFault, type FilePurpose } from "@/model/files";
import { formatBytes } from "@/model/format";
import { useSession } from "@/stores/session";
import { useUploads } from "@/stores/uploads";

/** The largest a server of today takes, where the configuration does not say. */
const USUAL_LIMIT_BYTES = 2 * 1024 ** 3;

/**
 * Files of one place (a lane, a draft of an exhibit): rows to show, and what may be done with them.
 * `choose` refuses at once what surely can't be sent and says so by name in `faults`.
 */
export function useUploadsOf(caseId: string, context: MaybeRefOrGetter<string>, purpose: FilePurpose) {
  const { t, language } = useWords();
  const session = useSession();
  const uploads = useUploads();
  const faults = ref<string[]>([]);
  const items = computed(() => uploads.of(caseId, toValue(context)));
  const ready = computed(() => items.value.flatMap((one) => (one.phase === "ready" && one.facts ? [one.facts] : [])));
  const isWaited = computed(() => items.value.some((one) => !["ready", "refused", "lost", "failed"].includes(one.phase)));

  function choose(files: readonly File[]): string[] {
    const limit = session.config?.limits.upload_bytes ?? USUAL_LIMIT_BYTES;
    const told: string[] = [];
    const good = files.filter((file) => {
      const fault = fileFault(file, limit);
      if (fault) told.push(t(`files.fault.${fault}`, { name: file.name, size: formatBytes(file.size), limit: formatBytes(limit) }));
      return fault === null;
    });
    faults.value = told;
    uploads.language = language();
    return uploads.add(good, { caseId, purpose, context: toValue(context) });
  }

  return { items, ready, isWaited, faults, choose, done: uploads.done, pause: uploads.pause, resume: uploads.resume, again: uploads.choose, drop: uploads.drop };
}
