import { onScopeDispose, shallowRef } from "vue";
import { asProblem, type Problem } from "@/api/problem";
import { uploadPicture } from "@/api/space";
import { useWords } from "@/i18n/words";
import { formatBytes } from "@/model/format";
import { useCaseLife } from "@/stores/case_life";
import { newClientId } from "@/stores/outbox";
import { useSession } from "@/stores/session";
import { pictureFault, PICTURES_AT_ONCE, pictureType } from "./picture_check";

/** A picture on its way to the server; once there, its message goes through the outbox under the same id. */
export interface PictureUpload {
  clientId: string;
  lane: string;
  name: string;
  address: string;
  share: number;
  problem: Problem | null;
}

/** The server's own limit when the configuration does not say: 20 MB. */
const USUAL_LIMIT_BYTES = 20_000_000;

export function usePictures(caseId: string) {
  const { t, language } = useWords();
  const life = useCaseLife();
  const session = useSession();
  const uploads = shallowRef<readonly PictureUpload[]>([]);
  const faults = shallowRef<string[]>([]);
  const files = new Map<string, File>();
  const stops = new Map<string, () => void>();
  let isGone = false;

  function change(clientId: string, parts: Partial<PictureUpload>): void {
    uploads.value = uploads.value.map((one) => (one.clientId === clientId ? { ...one, ...parts } : one));
  }

  function forget(clientId: string): void {
    const one = uploads.value.find((each) => each.clientId === clientId);
    if (one) URL.revokeObjectURL(one.address);
    uploads.value = uploads.value.filter((each) => each.clientId !== clientId);
    files.delete(clientId);
    stops.delete(clientId);
  }

  /** Chosen files: those that cannot be sent are told by name, the others go one after another. */
  function choose(lane: string, chosen: readonly File[]): void {
    const limit = session.config?.limits.attachment_bytes ?? USUAL_LIMIT_BYTES;
    const told: string[] = [];
    if (chosen.length > PICTURES_AT_ONCE) told.push(t("case_space.picture.tooMany", { count: PICTURES_AT_ONCE }));
    for (const file of chosen.slice(0, PICTURES_AT_ONCE)) {
      const fault = pictureFault(file, limit);
      if (fault !== null) {
        told.push(t(`case_space.picture.${fault}`, { name: file.name, size: formatBytes(file.size), limit: formatBytes(limit) }));
        continue;
      }
      const clientId = newClientId();
      files.set(clientId, file);
      uploads.value = [...uploads.value, { clientId, lane, name: file.name, address: URL.createObjectURL(file), share: 0, problem: null }];
    }
    faults.value = told;
    void next();
  }

  async function next(): Promise<void> {
    const one = uploads.value.find((each) => each.problem === null);
    if (!one || stops.size > 0) return;
    const file = files.get(one.clientId);
    if (!file) return forget(one.clientId);
    const picture = { content: file, type: pictureType(file) ?? file.type, name: file.name };
    const upload = uploadPicture(caseId, picture, language(), (share) => change(one.clientId, { share }));
    stops.set(one.clientId, upload.stop);
    try {
      const { id, width, height, media_type, size_bytes, name } = await upload.done;
      // Left while it was under way: the bytes are there, and the message still goes out.
      life.send(one.lane, "image", { attachment_id: id, width, height, media_type, size_bytes, name }, one.clientId);
      forget(one.clientId);
    } catch (error) {
      stops.delete(one.clientId);
      change(one.clientId, { problem: asProblem(error) });
    }
    if (!isGone) void next();
  }

  function retry(clientId: string): void {
    change(clientId, { problem: null, share: 0 });
    void next();
  }

  function drop(clientId: string): void {
    stops.get(clientId)?.();
    forget(clientId);
  }

  onScopeDispose(() => (isGone = true));
  return { uploads, faults, choose, retry, drop, clearFaults: () => (faults.value = []) };
}
