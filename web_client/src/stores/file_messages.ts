import { defineStore } from "pinia";
import { watch } from "vue";
import type { FileFacts } from "@/model/files";
import { useCaseLife } from "./case_life";
import type { OutboxEntry } from "./outbox";
import { useUploads } from "./uploads";

/** After a reload the kept uploads are found within this; a message whose file is nowhere by then says so. */
const LOST_AFTER_MS = 15_000;

/**
 * Messages that wait for their file: when the court has taken it, the message goes; when it has not, the message says
 * why. Both survive a reload, each on its own shelf, and find each other again here.
 */
export const useFileMessages = defineStore("file_messages", () => {
  const life = useCaseLife();
  const uploads = useUploads();
  const missing = new Map<string, ReturnType<typeof setTimeout>>();

  function pass(): void {
    for (const entry of life.entries) {
      if (entry.waitsFor === null || entry.state !== "sending") continue;
      const item = uploads.items.find(({ key }) => key === entry.waitsFor);
      if (!item) {
        miss(entry);
        continue;
      }
      if (item.phase === "ready" && item.facts) go(entry, item.facts);
      else if (item.phase === "refused") fail(entry, `attachment.${item.facts?.reason ?? "unreadable"}`);
      else if (item.phase === "failed") life.fail(entry.clientId, item.problem ?? { code: "network.offline", title: "" });
      else if (item.phase === "lost") fail(entry, "upload.lost");
    }
  }

  const fail = (entry: OutboxEntry, code: string): void => life.fail(entry.clientId, { code, title: "" });

  function go(entry: OutboxEntry, facts: FileFacts): void {
    const { id, kind, width, height, media_type, size_bytes, name, pages, duration_ms, waveform } = facts;
    const reply = entry.body["reply_to"];
    const body = { attachment_id: id, width, height, media_type, size_bytes, name, pages, duration_ms, waveform, ...(reply ? { reply_to: reply } : {}) };
    const key = entry.waitsFor;
    if (kind === entry.type || kind === "unknown") life.ready(entry.clientId, body);
    else {
      // The bytes are something else than the name promised: the message follows the bytes.
      life.remove(entry.clientId);
      life.send(entry.lane, kind, body);
    }
    if (key !== null) uploads.drop(key);
  }

  function miss({ clientId, waitsFor }: OutboxEntry): void {
    if (missing.has(clientId)) return;
    missing.set(
      clientId,
      setTimeout(() => {
        missing.delete(clientId);
        const entry = life.entries.find((one) => one.clientId === clientId && one.waitsFor === waitsFor);
        if (entry && !uploads.items.some(({ key }) => key === waitsFor)) fail(entry, "upload.lost");
      }, LOST_AFTER_MS),
    );
  }

  watch([() => life.entries, () => uploads.items], pass, { immediate: true });
  return {};
});
