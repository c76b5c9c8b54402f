import type { CaseExhibits, Disclosure, Exhibit, ExhibitDraft, OpinionDraft, Result } from "@/model/exhibit";
import { API, get, post, put, remove } from "./request";

const at = (id: string): string => `/exhibits/${id}`;
export const listExhibits = (caseId: string): Promise<CaseExhibits> => get(`/cases/${caseId}/exhibits`);
export const readExhibit = (id: string): Promise<Exhibit> => get(at(id));
export const beginExhibit = (caseId: string, draft: ExhibitDraft, more: { party_id?: string; supersedes?: string }): Promise<Exhibit> =>
  post(`/cases/${caseId}/exhibits`, { ...draft, ...more });
export const changeExhibit = (id: string, draft: ExhibitDraft): Promise<Exhibit> => put(at(id), draft);
export const discardExhibit = (id: string): Promise<void> => remove(at(id));
/** For ever: `revision` is that of what the person has looked at. */
export const submitExhibit = (id: string, revision: number): Promise<Exhibit> => post(`${at(id)}/submission`, { revision });
export const withdrawExhibit = (id: string, reason: string): Promise<Exhibit> => post(`${at(id)}/withdrawal`, { reason });
export const checkExhibit = (id: string): Promise<Exhibit> => post(`${at(id)}/check`);
export const returnExhibit = (id: string, reason: string): Promise<Exhibit> => post(`${at(id)}/return`, { reason });
export const exchangeExhibits = async (caseId: string, ids: string[], opinionsUntil: string | null, remind: boolean): Promise<Exhibit[]> =>
  (await post<{ items: Exhibit[] }>(`/cases/${caseId}/exchanges`, { exhibit_ids: ids, opinions_until: opinionsUntil, remind })).items;
export const giveOpinion = (id: string, opinion: OpinionDraft): Promise<Exhibit> => post(`${at(id)}/opinions`, opinion);
export const decideDisclosure = (
  id: string,
  decision: { kind: Disclosure; party_ids: string[] | null; reason: string; redacted: { title: string; attachment_id: string } | null },
): Promise<Exhibit> => post(`${at(id)}/disclosure`, decision);
export const ruleExhibit = (id: string, result: Result, reason: string): Promise<Exhibit> => post(`${at(id)}/rulings`, { result, reason });
export const setExhibitTerms = (caseId: string, submitUntil: string | null): Promise<unknown> => put(`/cases/${caseId}/exhibit-terms`, { submit_until: submitUntil });
export const catalogueAddress = (caseId: string, side?: string): string =>
  `${API}/cases/${caseId}/exhibits/catalogue${side === undefined ? "" : `?side=${encodeURIComponent(side)}`}`;
