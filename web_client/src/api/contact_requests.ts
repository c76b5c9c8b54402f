import { get, post } from "./request";

export const TOPICS = ["hearing_time", "materials", "service", "procedure", "other_side", "technical", "other"] as const;
export type ContactTopic = (typeof TOPICS)[number];
export type ContactWay = "phone" | "message";
export type ContactState = "waiting" | "taken" | "answered" | "done" | "withdrawn";
interface Step {
  person_id: string;
  name: string;
  at: string;
}
export interface ContactRequest {
  id: string;
  case: { id: string; number: string; cause: string };
  asker: { person_id: string; name: string; label: string; label_en: string };
  topic: ContactTopic;
  text: string;
  way: ContactWay;
  from_at: string | null;
  until_at: string | null;
  asked_at: string;
  due_at: string;
  state: ContactState;
  taken: Step | null;
  answered: Step | null;
  answer: string | null;
  answered_way: ContactWay | null;
  done: Step | null;
  overdue_at: string | null;
  assigned_to: string | null;
}
export interface ContactDraft {
  topic: ContactTopic;
  text: string;
  way: ContactWay;
  from_at?: string;
  until_at?: string;
}

export const askContact = (caseId: string, draft: ContactDraft): Promise<ContactRequest> => post(`/cases/${caseId}/contact-requests`, draft);
export const contactsOfCase = async (caseId: string): Promise<ContactRequest[]> => (await get<{ items: ContactRequest[] }>(`/cases/${caseId}/contact-requests`)).items;
export const contactQueue = async (): Promise<ContactRequest[]> => (await get<{ items: ContactRequest[] }>("/contact-requests")).items;
export const takeContact = (id: string): Promise<ContactRequest> => post(`/contact-requests/${id}/take`);
export const contactPhone = async (id: string): Promise<string> => (await post<{ phone: string }>(`/contact-requests/${id}/phone`)).phone;
export const answerContact = (id: string, answer: { text: string; way: ContactWay }): Promise<ContactRequest> => post(`/contact-requests/${id}/answer`, answer);
export const finishContact = (id: string): Promise<ContactRequest> => post(`/contact-requests/${id}/done`);
export const withdrawContact = (id: string): Promise<ContactRequest> => post(`/contact-requests/${id}/withdraw`);
