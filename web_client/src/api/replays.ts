import type { Recording, Replay } from "@/model/types";
import { get, post } from "./request";

export const readReplay = (id: string): Promise<Replay> => get(`/recordings/${id}/replay`);
export const allowDownloads = (id: string, allowed: boolean): Promise<Recording> =>
  post(`/recordings/${id}/downloads`, { allowed });
