import type { ReminderDraft, ReminderItem } from "@/model/space";
import type { Obligation } from "@/model/types";
import { get, post } from "./request";

export const issueReminder = (caseId: string, draft: ReminderDraft): Promise<{ id: string; obligations: Obligation[] }> =>
  post(`/cases/${caseId}/reminders`, draft);
export const listReminders = async (caseId: string): Promise<ReminderItem[]> =>
  (await get<{ items: ReminderItem[] }>(`/cases/${caseId}/reminders`)).items;

export const myObligations = async (): Promise<Obligation[]> =>
  (await get<{ items: Obligation[] }>("/me/obligations")).items;
export const sayDisplayed = (id: string): Promise<Obligation> => post(`/obligations/${id}/displayed`);
/** 我已知悉, of exactly the text whose hash is given. */
export const acknowledge = (id: string, textSha256: string): Promise<Obligation> =>
  post(`/obligations/${id}/acknowledgment`, { text_sha256: textSha256 });
