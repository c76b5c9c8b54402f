/** A file a clerk can start from. Columns are those the server's importer reads. */
export const TEMPLATE_CSV = "";
