import type { LaneBrief, SealedGround } from "@/model/space";
import { post, put, remove } from "./request";

/** One's own side's lane with the court; the same one every time. */
export const openSealedLane = (caseId: string, ground: SealedGround): Promise<LaneBrief> => post(`/cases/${caseId}/sealed-lane`, { ground });

export interface MediationDraft {
  person_ids: string[];
  title: string;
  /** All sides agreed, on record, that the court talks to some of them alone. */
  agreed: boolean;
}
export const openMediation = (caseId: string, draft: MediationDraft): Promise<LaneBrief> => post(`/cases/${caseId}/mediations`, draft);
export const letIn = (lane: string, personId: string, withHistory: boolean): Promise<LaneBrief> =>
  put(`/lanes/${lane}/people/${personId}`, { with_history: withHistory });
export const letOut = (lane: string, personId: string): Promise<LaneBrief> => remove(`/lanes/${lane}/people/${personId}`);
export const closeLane = (lane: string): Promise<LaneBrief> => post(`/lanes/${lane}/close`);
