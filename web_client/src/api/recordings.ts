import type { Publication, PublicationState, PublicRecording, Recording, Redaction } from "@/model/types";
import { API, get, post, put } from "./request";

export const listRecordings = async (): Promise<Recording[]> => (await get<{ items: Recording[] }>("/recordings")).items;
export const readRecording = (id: string): Promise<Recording> => get(`/recordings/${id}`);
export const composeFilm = (id: string): Promise<Recording> => post(`/recordings/${id}/film`);
export const filmAddress = (id: string): string => `${API}/recordings/${id}/film`;
export const submitPublication = (id: string, draft: { title: string; cause: string }): Promise<Publication> =>
  post(`/recordings/${id}/publications`, draft);

export const listPublications = async (state?: PublicationState): Promise<Publication[]> =>
  (await get<{ items: Publication[] }>("/publications", { query: { state } })).items;
export const listCasePublications = async (caseId: string): Promise<Publication[]> =>
  (await get<{ items: Publication[] }>(`/cases/${caseId}/publications`)).items;
export const readPublication = (id: string): Promise<Publication> => get(`/publications/${id}`);
/** The copy as everybody would be served it; a new hash is a new address, so that no player shows the one before. */
export const previewAddress = (id: string, sha256: string): string => `${API}/publications/${id}/film?copy=${sha256.slice(0, 16)}`;
export const redactPublication = (id: string, redactions: Redaction[]): Promise<Publication> => put(`/publications/${id}/redactions`, { redactions });
export const respondToPublication = (id: string, objects: boolean, reason: string): Promise<Publication> =>
  put(`/publications/${id}/response`, { objects, reason });
export const answerObjection = (id: string, personId: string, upheld: boolean, answer: string): Promise<Publication> =>
  put(`/publications/${id}/responses/${personId}/answer`, { upheld, answer });
/** Confirms these bytes and no others. */
export const confirmPublication = (id: string, copySha256: string): Promise<Publication> =>
  post(`/publications/${id}/confirm`, { copy_sha256: copySha256 });
export const rejectPublication = (id: string, reason: string): Promise<Publication> =>
  post(`/publications/${id}/reject`, { reason });
export const withdrawPublication = (id: string, reason: string): Promise<Publication> =>
  post(`/publications/${id}/withdraw`, { reason });

export interface PublicSearch {
  number?: string | undefined;
  held_on?: string | undefined;
}
export const listPublicRecordings = async (search: PublicSearch = {}, before?: string): Promise<PublicRecording[]> =>
  (await get<{ items: PublicRecording[] }>("/public/recordings", { query: { number: search.number || undefined, held_on: search.held_on || undefined, before } })).items;
export const readPublicRecording = (id: string): Promise<PublicRecording> => get(`/public/recordings/${id}`);
