import type { Config, CourtName, Me } from "@/model/types";
import { get, post, remove } from "./request";

export interface CodeSent {
  retry_after_s: number;
}
export interface JoinLink {
  court: CourtName;
  starts_at: string;
  phone_masked: string;
  state: "open" | "expired" | "cancelled";
}

export const readConfig = (): Promise<Config> => get("/config");
export const readMe = (): Promise<Me> => get("/me");
export const endSession = (): Promise<void> => remove("/me/session");
export const signInStaff = (username: string, password: string): Promise<Me> =>
  post("/sign-in/staff", { username, password });
export const askSignInCode = (phone: string): Promise<CodeSent> => post("/sign-in/codes", { phone });
export const signInPhone = (phone: string, code: string): Promise<Me> => post("/sign-in/phone", { phone, code });
export const readJoinLink = (token: string): Promise<JoinLink> => get(`/join-links/${encodeURIComponent(token)}`);
export const askJoinCode = (token: string): Promise<CodeSent> =>
  post(`/join-links/${encodeURIComponent(token)}/codes`);
export const openJoinLink = (
  token: string,
  code: string,
  idLast4: string,
): Promise<{ me: Me; hearing_id: string }> =>
  post(`/join-links/${encodeURIComponent(token)}/sessions`, { code, id_last4: idLast4 });
/** One use, 60 s: the key that a socket shows when it connects. */
export const askSocketTicket = async (): Promise<string> =>
  (await post<{ ticket: string }>("/socket-tickets")).ticket;
