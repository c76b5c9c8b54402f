import type { RepresentativeDraft } from "@/api/cases";
import type { Case } from "@/model/types";
import { post, remove } from "./request";

export const addRepresentative = (caseId: string, partyId: string, draft: RepresentativeDraft): Promise<Case> =>
  post(`/cases/${caseId}/parties/${partyId}/representatives`, draft);
export const endRepresentation = (caseId: string, representativeId: string): Promise<Case> => remove(`/cases/${caseId}/representatives/${representativeId}`);
