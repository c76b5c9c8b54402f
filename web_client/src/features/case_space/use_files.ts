import { onScopeDispose, shallowRef } from "vue";
import { asProblem, type Problem } from "@/api/problem";
import { uploadFile } from "@/api/space";
import { useWords } from "@/i18n/words";
import { type Recording, voiceFileName } from "@/media/voice_recorder";
import { formatBytes } from "@/model/format";
import type { FileKind } from "@/model/space";
import { useCaseLife } from "@/stores/case_life";
import { newClientId } from "@/stores/outbox";
import { useSession } from "@/stores/session";
import { fileFault, fileKind, FILES_AT_ONCE } from "./file_check";
import { pictureType } from "./picture_check";

/** A file on its way to the server; once there and looked into, its message goes through the outbox under the same id. */
export interface FileUpload {
  clientId: string;
  lane: string;
  kind: FileKind;
  name: string;
  sizeBytes: number;
  /** A picture's own address on this page. */
  address: string;
  /** Of a voice: how long and how loud. */
  durationMs: number;
  levels: readonly number[];
  replyTo: { lane: string; seq: number } | null;
  share: number;
  /** All bytes are there; the server is looking into them. */
  isChecking: boolean;
  problem: Problem | null;
}
export type ReplyTo = FileUpload["replyTo"];

/** The server's own limit when the configuration does not say: 20 MB. */
const USUAL_LIMIT_BYTES = 20_000_000;

export function useFiles(caseId: string) {
  const { t, language } = useWords();
  const life = useCaseLife();
  const session = useSession();
  const uploads = shallowRef<readonly FileUpload[]>([]);
  const faults = shallowRef<string[]>([]);
  const contents = new Map<string, Blob>();
  const stops = new Map<string, () => void>();
  let isGone = false;

  function change(clientId: string, parts: Partial<FileUpload>): void {
    uploads.value = uploads.value.map((one) => (one.clientId === clientId ? { ...one, ...parts } : one));
  }

  function forget(clientId: string): void {
    const one = uploads.value.find((each) => each.clientId === clientId);
    if (one && one.address !== "") URL.revokeObjectURL(one.address);
    uploads.value = uploads.value.filter((each) => each.clientId !== clientId);
    contents.delete(clientId);
    stops.delete(clientId);
  }

  function take(content: Blob, parts: Pick<FileUpload, "lane" | "kind" | "name" | "replyTo"> & Partial<FileUpload>): void {
    const clientId = newClientId();
    contents.set(clientId, content);
    const address = parts.kind === "image" ? URL.createObjectURL(content) : "";
    const whole = { clientId, sizeBytes: content.size, address, durationMs: 0, levels: [], share: 0, isChecking: false, problem: null, ...parts };
    uploads.value = [...uploads.value, whole];
  }

  /** Chosen files: those that cannot be sent are told by name, the others go one after another. */
  function choose(lane: string, chosen: readonly File[], replyTo: ReplyTo = null): void {
    const limit = session.config?.limits.attachment_bytes ?? USUAL_LIMIT_BYTES;
    const told: string[] = [];
    if (chosen.length > FILES_AT_ONCE) told.push(t("case_space.picture.tooMany", { count: FILES_AT_ONCE }));
    for (const file of chosen.slice(0, FILES_AT_ONCE)) {
      const fault = fileFault(file, limit);
      const kind = fileKind(file);
      if (fault !== null || kind === null) {
        told.push(t(`case_space.picture.${fault ?? "wrongType"}`, { name: file.name, size: formatBytes(file.size), limit: formatBytes(limit) }));
        continue;
      }
      const type = kind === "image" ? (pictureType(file) ?? file.type) : file.type;
      take(file.type === type ? file : new Blob([file], { type }), { lane, kind, name: file.name, replyTo });
    }
    faults.value = told;
    void next();
  }

  function sendVoice(lane: string, voice: Recording, replyTo: ReplyTo = null): void {
    const name = voiceFileName(voice.type, new Date());
    const content = new Blob([voice.content], { type: voice.type });
    take(content, { lane, kind: "audio", name, replyTo, durationMs: voice.durationMs, levels: voice.levels });
    void next();
  }

  async function next(): Promise<void> {
    const one = uploads.value.find((each) => each.problem === null);
    if (!one || stops.size > 0) return;
    const content = contents.get(one.clientId);
    if (!content) return forget(one.clientId);
    const upload = uploadFile(caseId, { content, type: content.type, name: one.name }, language(), (share) =>
      change(one.clientId, { share, isChecking: share >= 1 }),
    );
    stops.set(one.clientId, upload.stop);
    try {
      const made = await upload.done;
      const kind = made.kind === "unknown" ? one.kind : (made.kind ?? one.kind);
      const { id, width, height, media_type, size_bytes, name, pages, duration_ms, waveform } = made;
      const reply = one.replyTo ? { reply_to: one.replyTo } : {};
      // Left while it was under way: the bytes are there, and the message still goes out.
      life.send(one.lane, kind, { attachment_id: id, width, height, media_type, size_bytes, name, pages, duration_ms, waveform, ...reply }, one.clientId);
      forget(one.clientId);
    } catch (error) {
      stops.delete(one.clientId);
      change(one.clientId, { problem: asProblem(error), isChecking: false });
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
  return { uploads, faults, choose, sendVoice, retry, drop, clearFaults: () => (faults.value = []) };
}
