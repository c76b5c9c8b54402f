/** A file of cases, read in the browser before it is sent. */
export interface ImportFile {
  name: string;
  bytes: number;
  type: "text/csv" | "application/json";
  content: string;
}

/** As large as the server takes: some tens of thousands of lines. */
export const MAX_IMPORT_BYTES = 4_000_000;

export class ImportFileRefused extends Error {
  constructor(readonly reason: "wrongType" | "tooLarge") {
    super(reason);
  }
}

export async function readImportFile(file: Pick<File, "name" | "size" | "arrayBuffer">): Promise<ImportFile> {
  const type = /\.json$/iu.test(file.name) ? "application/json" : /\.csv$/iu.test(file.name) ? "text/csv" : null;
  if (type === null) throw new ImportFileRefused("wrongType");
  if (file.size > MAX_IMPORT_BYTES) throw new ImportFileRefused("tooLarge");
  return { name: file.name, bytes: file.size, type, content: decode(await file.arrayBuffer()) };
}

/** Spreadsheets of Chinese offices save CSV as GB 18030 as often as UTF-8; bytes that are no UTF-8 are taken as that. */
function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}
