import type { ActLog } from "@/model/acts";
import type { Authority, Case, CaseBrief, Ground, Openness, PartyKind, Person, Procedure, Standing } from "@/model/types";
import { get, post } from "./request";

export interface RepresentativeDraft {
  name: string;
  phone: string;
  id_number: string;
  authority: Authority;
}
export interface PartyDraft extends Omit<RepresentativeDraft, "authority"> {
  standing: Standing;
  kind: PartyKind;
  representatives: RepresentativeDraft[];
}
export interface CaseDraft {
  number?: string;
  type_code?: string;
  cause: string;
  procedure: Procedure;
  openness: Openness;
  closed_ground?: Ground;
  closed_reason?: string;
  closed_request?: string;
  judge_id: string;
  parties: PartyDraft[];
}
export interface ImportResult {
  imported: number;
  /** A rehearsal gives no ids: nothing was made. */
  cases: { id: string | null; number: string }[];
}

export const listCases = async (): Promise<CaseBrief[]> => (await get<{ items: CaseBrief[] }>("/cases")).items;
export const readCase = (id: string): Promise<Case> => get(`/cases/${id}`);
export const openCase = (draft: CaseDraft): Promise<Case> => post("/cases", draft);
export const addParty = (caseId: string, party: PartyDraft): Promise<Case> => post(`/cases/${caseId}/parties`, party);
export const readActs = (caseId: string, after = 0): Promise<ActLog> => get(`/cases/${caseId}/acts`, { query: { after } });
export const listStaff = async (): Promise<Person[]> => (await get<{ items: Person[] }>("/staff")).items;

/** A file of cases from another court system: all of it or nothing. 60 s, for thousands of lines. */
export const importCases = (content: ArrayBuffer, type: "text/csv" | "application/json", dryRun: boolean): Promise<ImportResult> =>
  post("/case-imports", undefined, { raw: { content, type }, query: { dry_run: dryRun ? 1 : 0 }, timeoutMs: 60_000 });
