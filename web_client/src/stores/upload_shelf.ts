/**
 * Files on their way that shall survive a reload: the bytes lie in IndexedDB beside their row, up to a limit.
 * A larger file is said not to be kept: after a reload its row is still there and asks for the file again.
 */

import type { FilePurpose } from "@/model/files";

export interface UploadRow {
  key: string;
  person: string;
  caseId: string;
  purpose: FilePurpose;
  /** Where the caller wants it: a lane, a draft of an exhibit. */
  context: string;
  name: string;
  type: string;
  sizeBytes: number;
  lastModified: number;
  /** The upload's address on the server, once it has one. */
  address: string | null;
  isPaused: boolean;
  /** All bytes are at the court; the check goes on there. */
  isSent: boolean;
  addedAt: number;
}

export interface UploadShelf {
  read(person: string): Promise<{ row: UploadRow; file: File | null }[]>;
  /** Whether the bytes are kept as well. */
  keep(row: UploadRow, file: File): Promise<boolean>;
  change(row: UploadRow): Promise<void>;
  drop(key: string): Promise<void>;
}

/** A phone's storage is everybody's: films are chosen again, pages of evidence are not. */
export const KEPT_FILE_BYTES = 64 * 1024 * 1024;
export const KEPT_BYTES = 256 * 1024 * 1024;
const HELD_ON_RELOAD_MS = 3_000;
const DATABASE = "hearing_uploads";

/** For one page's life only. */
export function memoryUploadShelf(): UploadShelf {
  return { read: async () => [], keep: async () => false, change: async () => undefined, drop: async () => undefined };
}

/**
 * One tab goes on with what is on the shelf: resolves with the way to let go, or null while another tab is at it.
 * A page that is being reloaded still holds it for a moment.
 */
export function takeShelf(person: string): Promise<(() => void) | null> {
  if (typeof navigator === "undefined" || !navigator.locks) return Promise.resolve(() => undefined);
  return new Promise((resolve) => {
    const held = (): Promise<void> => new Promise((letGo) => resolve(letGo));
    navigator.locks.request(`hearing_uploads:${person}`, { signal: AbortSignal.timeout(HELD_ON_RELOAD_MS) }, held).catch(() => resolve(null));
  });
}

function settled(change: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    change.oncomplete = () => resolve();
    change.onabort = change.onerror = () => reject(change.error ?? new Error("storage"));
  });
}

function answer<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("storage"));
  });
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("rows", { keyPath: "key" });
      opening.result.createObjectStore("files");
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = opening.onblocked = () => reject(opening.error ?? new Error("storage"));
  });
}

/** Never rejects: a full or forbidden storage costs the reload, not the upload. */
export async function browserUploadShelf(): Promise<UploadShelf> {
  if (typeof indexedDB === "undefined") return memoryUploadShelf();
  let database: IDBDatabase;
  try {
    database = await openDatabase();
  } catch {
    return memoryUploadShelf();
  }
  database.onversionchange = () => database.close();

  async function write(work: (rows: IDBObjectStore, files: IDBObjectStore) => void): Promise<boolean> {
    try {
      const change = database.transaction(["rows", "files"], "readwrite");
      work(change.objectStore("rows"), change.objectStore("files"));
      await settled(change);
      return true;
    } catch {
      return false;
    }
  }

  async function rows(): Promise<UploadRow[]> {
    try {
      return (await answer(database.transaction("rows").objectStore("rows").getAll())) as UploadRow[];
    } catch {
      return [];
    }
  }

  async function fileOf(row: UploadRow): Promise<File | null> {
    try {
      const kept: unknown = await answer(database.transaction("files").objectStore("files").get(row.key));
      return kept instanceof Blob ? new File([kept], row.name, { type: row.type, lastModified: row.lastModified }) : null;
    } catch {
      return null;
    }
  }

  return {
    read: async (person) => {
      const mine = (await rows()).filter((row) => row.person === person).sort((a, b) => a.addedAt - b.addedAt);
      return Promise.all(mine.map(async (row) => ({ row, file: row.isSent ? null : await fileOf(row) })));
    },
    keep: async (row, file) => {
      const held = (await rows()).filter((one) => !one.isSent && one.sizeBytes <= KEPT_FILE_BYTES);
      const sum = held.reduce((bytes, one) => bytes + one.sizeBytes, 0);
      const hasRoom = file.size <= KEPT_FILE_BYTES && sum + file.size <= KEPT_BYTES;
      if (hasRoom && (await write((all, files) => (all.put(row), files.put(file, row.key))))) return true;
      await write((all) => void all.put(row));
      return false;
    },
    change: async (row) =>
      void (await write((all, files) => {
        all.put(row);
        if (row.isSent) files.delete(row.key);
      })),
    drop: async (key) => void (await write((all, files) => (all.delete(key), files.delete(key)))),
  };
}
