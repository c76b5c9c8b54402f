import type { Publication, PublicationState, PublicRecording, Recording } from "@/model/types";
import { API, get, post } from "./request";

export const listRecordings = async (): Promise<Recording[]> => (await get<{ items: Recording[] }>("/recordings")).items;
export const readRecording = (id: string): Promise<Recording> => get(`/recordings/${id}`);
export const composeFilm = (id: string): Promise<Recording> => post(`/recordings/${id}/film`);
export const filmAddress = (id: string): string => `${API}/recordings/${id}/film`;
export const submitPublication = (id: string, draft: { title: string; cause: string }): Promise<Publication> =>
  post(`/recordings/${id}/publications`, draft);

export const listPublications = async (state?: PublicationState): Promise<Publication[]> =>
  (await get<{ items: Publication[] }>("/publications", { query: { state } })).items;
export const confirmPublication = (id: string): Promise<Publication> => post(`/publications/${id}/confirm`);
export const rejectPublication = (id: string, reason: string): Promise<Publication> =>
  post(`/publications/${id}/reject`, { reason });
export const withdrawPublication = (id: string, reason: string): Promise<Publication> =>
  post(`/publications/${id}/withdraw`, { reason });

export const listPublicRecordings = async (before?: string): Promise<PublicRecording[]> =>
  (await get<{ items: PublicRecording[] }>("/public/recordings", { query: { before } })).items;
export const readPublicRecording = (id: string): Promise<PublicRecording> => get(`/public/recordings/${id}`);
