import type { Ground, ObligationProof } from "@/model/progress";
import type { ReminderDraft, ReminderItem } from "@/model/space";
import type { Obligation, ReminderChannel } from "@/model/reminder";
import { get, post } from "./request";

export const issueReminder = (caseId: string, draft: ReminderDraft): Promise<{ id: string; obligations: Obligation[] }> =>
  post(`/cases/${caseId}/reminders`, draft);
export const listReminders = async (caseId: string): Promise<ReminderItem[]> =>
  (await get<{ items: ReminderItem[] }>(`/cases/${caseId}/reminders`)).items;
export const listGrounds = async (): Promise<Ground[]> => (await get<{ items: Ground[] }>("/reminder-grounds")).items;

/** Over all cases of the court's person: overdue first. */
export const unfinishedReminders = async (): Promise<Obligation[]> =>
  (await get<{ items: Obligation[] }>("/reminders/unfinished")).items;
export const withdrawReminder = (id: string, reason: string): Promise<ReminderItem> => post(`/reminders/${id}/withdrawal`, { reason });
export const makeUrgent = (id: string): Promise<ReminderItem> => post(`/reminders/${id}/urgent`);
export const sendAgain = (id: string, channel: ReminderChannel): Promise<Obligation> => post(`/obligations/${id}/attempts`, { channel });
export const handOver = (id: string, note: string): Promise<Obligation> => post(`/obligations/${id}/hand-over`, { note });
export const readProof = (id: string): Promise<ObligationProof> => get(`/obligations/${id}/proof`);

export const myObligations = async (): Promise<Obligation[]> =>
  (await get<{ items: Obligation[] }>("/me/obligations")).items;
export const sayDisplayed = (id: string): Promise<Obligation> => post(`/obligations/${id}/displayed`);
export const sayOpened = (id: string, documentId?: string): Promise<Obligation> =>
  post(`/obligations/${id}/opened`, documentId === undefined ? {} : { document_id: documentId });
export const putOff = (id: string): Promise<Obligation> => post(`/obligations/${id}/later`);
export const objectTo = (id: string, text: string): Promise<Obligation> => post(`/obligations/${id}/objection`, { text });
/** 我已知悉, of exactly the text whose hash is given. */
export const acknowledge = (id: string, textSha256: string): Promise<Obligation> =>
  post(`/obligations/${id}/acknowledgment`, { text_sha256: textSha256 });
