/** A file of cases, read in the browser before it is sent. */
export interface ImportFile {
  name: string;
  bytes: number;
  type: "text/csv" | "application/json";
  content: ArrayBuffer;
}

/** The server's own limit; the bytes go as they are, it knows UTF-8 and GB 18030 and counts the lines. */
export const MAX_IMPORT_BYTES = 8 * 1024 * 1024;

export class ImportFileRefused extends Error {
  constructor(readonly reason: "wrongType" | "tooLarge") {
    super(reason);
  }
}

export async function readImportFile(file: Pick<File, "name" | "size" | "arrayBuffer">): Promise<ImportFile> {
  const type = /\.json$/iu.test(file.name) ? "application/json" : /\.csv$/iu.test(file.name) ? "text/csv" : null;
  if (type === null) throw new ImportFileRefused("wrongType");
  if (file.size > MAX_IMPORT_BYTES) throw new ImportFileRefused("tooLarge");
  return { name: file.name, bytes: file.size, type, content: await file.arrayBuffer() };
}

/** `parties[0].representatives[1].phone` → `representative_phone`: the column a clerk knows from the file. */
export function columnOf(field: string): string {
  const last = field.split(".").at(-1) ?? field;
  const inAgent = /representatives\[\d+\]\./u.test(field) && !last.startsWith("representative_");
  return inAgent ? `representative_${last}` : last;
}
