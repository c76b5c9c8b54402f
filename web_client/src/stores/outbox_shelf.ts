/**
 * Where messages on their way wait for a reload or a killed browser: IndexedDB, one row per message, shared by all tabs.
 * Without it (some private windows) they last as long as the page.
 */

import type { OutboxEntry } from "./outbox";

export interface OutboxShelf {
  /** A person's entries in the order of writing. */
  read(): Promise<OutboxEntry[]>;
  keep(entry: OutboxEntry): Promise<void>;
  drop(clientId: string): Promise<void>;
}

const DATABASE = "hearing_outbox";
const ENTRIES = "entries";
const BY_PERSON = "person";

const OPEN_WITHIN_MS = 3_000;

type Row = OutboxEntry & { person: string };

function done(change: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    change.oncomplete = () => resolve();
    change.onabort = change.onerror = () => reject(change.error ?? new Error("storage"));
  });
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore(ENTRIES, { keyPath: "clientId" }).createIndex(BY_PERSON, "person");
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = opening.onblocked = () => reject(opening.error ?? new Error("storage"));
    // Some browsers never answer after an update of theirs; a person's words don't wait for that.
    setTimeout(() => reject(new Error("storage")), OPEN_WITHIN_MS);
  });
}

/** For one page's life only. */
export function memoryShelf(): OutboxShelf {
  const rows = new Map<string, OutboxEntry>();
  return {
    read: async () => [...rows.values()],
    keep: async (entry) => void rows.set(entry.clientId, entry),
    drop: async (clientId) => void rows.delete(clientId),
  };
}

/** The browser's own storage for one person. Never rejects: a full or forbidden storage costs the reload, not the message. */
export async function browserShelf(person: string): Promise<OutboxShelf> {
  if (typeof indexedDB === "undefined") return memoryShelf();
  let database: IDBDatabase;
  try {
    database = await openDatabase();
  } catch {
    return memoryShelf();
  }
  // Another release wants another shape: it must not wait for this tab.
  database.onversionchange = () => database.close();
  const write = async (work: (rows: IDBObjectStore) => void): Promise<void> => {
    try {
      // "strict": a message that the page shows as kept is on the disk, not only on its way there.
      const change = database.transaction(ENTRIES, "readwrite", { durability: "strict" });
      work(change.objectStore(ENTRIES));
      await done(change);
    } catch {
      // As above.
    }
  };
  return {
    read: () =>
      new Promise((resolve) => {
        try {
          const asked = database.transaction(ENTRIES).objectStore(ENTRIES).index(BY_PERSON).getAll(person);
          asked.onsuccess = () => resolve((asked.result as Row[]).map(({ person: _, ...entry }) => entry).sort((a, b) => a.order - b.order));
          asked.onerror = () => resolve([]);
        } catch {
          resolve([]);
        }
      }),
    keep: (entry) => write((rows) => rows.put({ ...entry, person } satisfies Row)),
    drop: (clientId) => write((rows) => rows.delete(clientId)),
  };
}
