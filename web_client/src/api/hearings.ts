import type { ConsentDecision, ConsentStage, Hearing, HearingBrief, PauseKind } from "@/model/types";
import { get, post, put, remove } from "./request";

export interface SelfTestResult {
  camera: boolean;
  microphone: boolean;
  playback: boolean;
  details: Record<string, unknown>;
}
export type MuteOrder = ({ person_id: string } | { all: true }) & { source: "microphone" | "camera" | "screen"; muted: boolean };

export const listHearings = async (day?: string): Promise<HearingBrief[]> =>
  (await get<{ items: HearingBrief[] }>("/hearings", { query: { day } })).items;
export const readHearing = (id: string): Promise<Hearing> => get(`/hearings/${id}`);
export const scheduleHearing = (
  caseId: string,
  draft: { title: string; starts_at: string; duration_min: number },
): Promise<HearingBrief> => post(`/cases/${caseId}/hearings`, draft);
export const cancelHearing = (id: string, reason: string): Promise<Hearing> => post(`/hearings/${id}/cancel`, { reason });
export const inviteAgain = (id: string, personId: string): Promise<void> =>
  post(`/hearings/${id}/invitations`, { person_id: personId });
export const giveConsent = (
  id: string,
  stage: ConsentStage,
  decision: ConsentDecision,
  textVersion: string,
): Promise<Hearing> => put(`/hearings/${id}/consents/${stage}`, { decision, text_version: textVersion });
export const reportSelfTest = (id: string, result: SelfTestResult): Promise<Hearing> =>
  put(`/hearings/${id}/self-test`, result);
export const admit = (id: string, whom: { person_ids: string[] } | { all: true }): Promise<Hearing> =>
  post(`/hearings/${id}/admissions`, whom);
/** Opening proves the recording first, which may take a few seconds. */
/** `oneRecorderReason`: why the judge opens although only one of the two recorders writes. */
export const openHearing = (id: string, oneRecorderReason?: string): Promise<Hearing> =>
  post(`/hearings/${id}/open`, oneRecorderReason === undefined ? {} : { one_recorder_reason: oneRecorderReason }, { timeoutMs: 30_000 });
export const recessHearing = (id: string, kind: PauseKind, reason: string, resumesAt?: string): Promise<Hearing> =>
  post(`/hearings/${id}/recess`, resumesAt === undefined ? { kind, reason } : { kind, reason, resumes_at: resumesAt });
export const sealHearing = (id: string, reason: string): Promise<Hearing> => post(`/hearings/${id}/seal`, { reason });
export const unsealHearing = (id: string): Promise<Hearing> => post(`/hearings/${id}/unseal`);
export const resumeHearing = (id: string): Promise<Hearing> => post(`/hearings/${id}/resume`, {}, { timeoutMs: 30_000 });
export const closeHearing = (id: string): Promise<Hearing> => post(`/hearings/${id}/close`);
export const reopenHearing = (id: string): Promise<Hearing> => post(`/hearings/${id}/reopen`);
export const mute = (id: string, order: MuteOrder): Promise<Hearing> => post(`/hearings/${id}/mutes`, order);
export const removePerson = (id: string, personId: string, reason: string): Promise<Hearing> =>
  post(`/hearings/${id}/removals`, { person_id: personId, reason });
export const undoRemoval = (id: string, personId: string): Promise<Hearing> =>
  remove(`/hearings/${id}/removals/${personId}`);
