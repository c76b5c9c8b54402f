import { onScopeDispose, ref, shallowRef } from "vue";
import { asProblem, type Problem } from "@/api/problem";
import { uploadPicture } from "@/api/space";
import { useWords } from "@/i18n/words";
import { pictureFault, pictureType } from "@/features/case_space/picture_check";
import { formatBytes } from "@/model/format";
import { useSession } from "@/stores/session";

/** A file of a draft: what the page shows of it, and what survives a reload. */
export interface DraftFile {
  attachment_id: string;
  name: string;
  media_type: string;
  size_bytes: number;
}
export interface RunningUpload {
  key: number;
  name: string;
  share: number;
  problem: Problem | null;
}

const USUAL_LIMIT_BYTES = 20_000_000;
export const MAX_FILES = 30;

/** Files of an exhibit on their way to the court, one after another; what has arrived is told by `arrived`. */
export function useExhibitFiles(caseId: string, arrived: (file: DraftFile) => void) {
  const { t, language } = useWords();
  const session = useSession();
  const uploads = shallowRef<readonly RunningUpload[]>([]);
  const faults = ref<string[]>([]);
  const waiting = new Map<number, File>();
  let stop: (() => void) | null = null;
  let isGone = false;
  let count = 0;

  const change = (key: number, parts: Partial<RunningUpload>): void => {
    uploads.value = uploads.value.map((one) => (one.key === key ? { ...one, ...parts } : one));
  };
  const forget = (key: number): void => {
    uploads.value = uploads.value.filter((one) => one.key !== key);
    waiting.delete(key);
  };

  function choose(files: readonly File[], room: number): void {
    const limit = session.config?.limits.attachment_bytes ?? USUAL_LIMIT_BYTES;
    const told: string[] = [];
    for (const file of files.slice(0, room)) {
      const fault = pictureFault(file, limit);
      if (fault !== null) {
        told.push(t(`case_space.picture.${fault}`, { name: file.name, size: formatBytes(file.size), limit: formatBytes(limit) }));
        continue;
      }
      count += 1;
      waiting.set(count, file);
      uploads.value = [...uploads.value, { key: count, name: file.name, share: 0, problem: null }];
    }
    if (files.length > room) told.push(t("case_space.picture.tooMany", { count: MAX_FILES }));
    faults.value = told;
    void next();
  }

  async function next(): Promise<void> {
    const one = uploads.value.find((each) => each.problem === null);
    const file = one && waiting.get(one.key);
    if (!one || !file || stop !== null) return;
    const running = uploadPicture(caseId, { content: file, type: pictureType(file) ?? file.type, name: file.name }, language(), (share) => change(one.key, { share }));
    stop = running.stop;
    try {
      const { id, name, media_type, size_bytes } = await running.done;
      forget(one.key);
      arrived({ attachment_id: id, name, media_type, size_bytes });
    } catch (error) {
      change(one.key, { problem: asProblem(error) });
    }
    stop = null;
    if (!isGone) void next();
  }

  function retry(key: number): void {
    change(key, { problem: null, share: 0 });
    void next();
  }

  onScopeDispose(() => {
    isGone = true;
    stop?.();
  });
  return { uploads, faults, choose, retry, drop: forget };
}
