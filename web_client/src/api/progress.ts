import type { CaseProgress, Contacts, ServiceConsent, Todo } from "@/model/progress";
import { get, post, put, remove } from "./request";

export const myTodos = async (): Promise<Todo[]> => (await get<{ items: Todo[] }>("/me/todos")).items;
export const readProgress = (caseId: string): Promise<CaseProgress> => get(`/cases/${caseId}/progress`);
export const readContacts = (): Promise<Contacts> => get("/me/contacts");
export const addContact = (channel: "email" | "wechat" | "web_push", address: string, label = ""): Promise<{ id: string }> =>
  post("/me/contacts", { channel, address, label });
export const confirmContact = (id: string, code: string): Promise<unknown> => post(`/me/contacts/${id}/confirmation`, { code });
export const endContact = (id: string): Promise<unknown> => remove(`/me/contacts/${id}`);
export const saveWishes = (wishes: Record<string, boolean>): Promise<unknown> => put("/me/wishes", { wishes });
export const readServiceConsent = (caseId: string): Promise<ServiceConsent> => get(`/cases/${caseId}/service-consent`);
export const decideService = (caseId: string, granted: boolean, version: string): Promise<unknown> =>
  post(`/cases/${caseId}/service-consent`, { granted, text_version: version });
