import { onScopeDispose, shallowRef } from "vue";
import { useWords } from "@/i18n/words";
import { type Recording, voiceFileName } from "@/media/voice_recorder";
import { fileFault, type FilePurpose } from "@/model/files";
import { formatBytes } from "@/model/format";
import type { FileKind } from "@/model/space";
import { useCaseLife } from "@/stores/case_life";
import { newClientId, type OutboxEntry } from "@/stores/outbox";
import { useSession } from "@/stores/session";
import { useUploads } from "@/stores/uploads";
import { fileKind, FILES_AT_ONCE } from "./file_check";
import type { PendingFile } from "./PendingBubble.vue";

export type ReplyTo = { lane: string; seq: number } | null;
/** The largest a server of today takes, where the configuration does not say. */
const USUAL_LIMIT_BYTES = 2 * 1024 ** 3;

/** Files and voices on their way into a lane: a message each, which waits for its upload and survives a reload. */
export function useFiles(caseId: string) {
  const { t, language } = useWords();
  const life = useCaseLife();
  const session = useSession();
  const uploads = useUploads();
  const faults = shallowRef<string[]>([]);
  /** A picture's own address on this page, until the server's copy is there. */
  const addresses = shallowRef<ReadonlyMap<string, string>>(new Map());

  /** Chosen files: those that cannot be sent are told by name, each of the others is a message. */
  function choose(lane: string, chosen: readonly File[], replyTo: ReplyTo = null): void {
    const limits = session.config?.limits;
    const limit = limits?.upload_bytes ?? USUAL_LIMIT_BYTES;
    const told: string[] = [];
    if (chosen.length > FILES_AT_ONCE) told.push(t("case_space.picture.tooMany", { count: FILES_AT_ONCE }));
    for (const file of chosen.slice(0, FILES_AT_ONCE)) {
      const fault = fileFault(file, limit);
      const kind = fileKind(file);
      if (fault !== null || kind === null) {
        told.push(t(`case_space.picture.${fault ?? "wrongType"}`, { name: file.name, size: formatBytes(file.size), limit: formatBytes(limit) }));
        continue;
      }
      const clientId = post(lane, file, kind, "message", replyTo);
      if (kind === "image") addresses.value = new Map([...addresses.value, [clientId, URL.createObjectURL(file)]]);
    }
    faults.value = told;
  }

  function sendVoice(lane: string, voice: Recording, replyTo: ReplyTo = null): void {
    const file = new File([voice.content], voiceFileName(voice.type, new Date()), { type: voice.type });
    const levels = voice.levels.map((level) => Math.round(level * 100));
    post(lane, file, "audio", "voice", replyTo, { duration_ms: voice.durationMs, levels });
  }

  function post(lane: string, file: File, kind: FileKind, purpose: FilePurpose, replyTo: ReplyTo, more: object = {}): string {
    uploads.language = language();
    const [key = ""] = uploads.add([file], { caseId, purpose, context: lane });
    const clientId = newClientId();
    const reply = replyTo ? { reply_to: replyTo } : {};
    life.send(lane, kind, { name: file.name, size_bytes: file.size, ...more, ...reply }, clientId, key);
    return clientId;
  }

  /** What a message on its way shows of its file; null for words. */
  function fileOf(entry: OutboxEntry): PendingFile | null {
    const { type, body, waitsFor, clientId } = entry;
    if (type !== "image" && type !== "audio" && type !== "document" && type !== "video") return null;
    const item = uploads.items.find(({ key }) => key === waitsFor);
    const levels = body["levels"] ?? body["waveform"];
    return {
      kind: type,
      name: String(body["name"] ?? ""),
      address: addresses.value.get(clientId) ?? "",
      sizeBytes: Number(body["size_bytes"] ?? 0),
      durationMs: Number(body["duration_ms"] ?? 0),
      levels: Array.isArray(levels) ? levels.map(Number) : [],
      share: item && item.sizeBytes > 0 ? item.sentBytes / item.sizeBytes : null,
      isChecking: item?.phase === "checking",
    };
  }

  function retry(entry: OutboxEntry): void {
    if (entry.waitsFor !== null) uploads.resume(entry.waitsFor);
    life.retry(entry.clientId);
  }

  function drop(entry: OutboxEntry): void {
    life.remove(entry.clientId);
    if (entry.waitsFor !== null) uploads.drop(entry.waitsFor);
  }

  onScopeDispose(() => {
    for (const address of addresses.value.values()) URL.revokeObjectURL(address);
  });
  return { faults, choose, sendVoice, fileOf, retry, drop, clearFaults: () => (faults.value = []) };
}
