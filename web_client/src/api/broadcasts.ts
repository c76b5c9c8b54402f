import type { Broadcast, LiveBroadcast } from "@/model/broadcast";
import { get, post, put } from "./request";
import type { PublicSearch } from "./recordings";

const of = (hearingId: string): string => `/hearings/${hearingId}/broadcast`;
export const readBroadcast = async (hearingId: string): Promise<Broadcast | null> => (await get<{ broadcast: Broadcast | null }>(of(hearingId))).broadcast;
export const askBroadcast = (hearingId: string, title: string): Promise<Broadcast> => post(of(hearingId), { title });
export const respondToBroadcast = (hearingId: string, objects: boolean, reason: string): Promise<Broadcast> => put(`${of(hearingId)}/response`, { objects, reason });
export const answerBroadcastObjection = (hearingId: string, personId: string, upheld: boolean, answer: string): Promise<Broadcast> =>
  put(`${of(hearingId)}/responses/${personId}/answer`, { upheld, answer });
export const approveBroadcast = (hearingId: string): Promise<Broadcast> => post(`${of(hearingId)}/approve`);
export const rejectBroadcast = (hearingId: string, reason: string): Promise<Broadcast> => post(`${of(hearingId)}/reject`, { reason });
/** One tap: nothing leaves any more. */
export const cutBroadcast = (hearingId: string, reason: string): Promise<Broadcast> => post(`${of(hearingId)}/cut`, { reason });
export const listLive = async (search: PublicSearch = {}): Promise<LiveBroadcast[]> =>
  (await get<{ items: LiveBroadcast[] }>("/public/live", { query: { number: search.number || undefined, held_on: search.held_on || undefined } })).items;
export const readLive = (id: string): Promise<LiveBroadcast> => get(`/public/live/${id}`);
