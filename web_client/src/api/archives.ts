import type { Archive } from "@/model/types";
import { API, get, post } from "./request";

export const readArchive = (id: string): Promise<Archive> => get(`/recordings/${id}/archive`);
export const makeArchiveAgain = (id: string): Promise<Archive> => post(`/recordings/${id}/archive`);
export const holdArchive = (id: string, reason: string): Promise<Archive> => post(`/recordings/${id}/archive/hold`, { reason });
export const releaseArchive = (id: string, reason: string): Promise<Archive> => post(`/recordings/${id}/archive/release`, { reason });
export const packageAddress = (id: string): string => `${API}/recordings/${id}/archive/package`;
