import type { Recording, Replay, SingleTracks, TrackShown } from "@/model/types";
import { get, post } from "./request";

export const readReplay = (id: string): Promise<Replay> => get(`/recordings/${id}/replay`);
export const allowDownloads = (id: string, allowed: boolean): Promise<Recording> =>
  post(`/recordings/${id}/downloads`, { allowed });
export const readTracks = (id: string): Promise<SingleTracks> => get(`/recordings/${id}/replay/tracks`);
/** Have these made; they are watched when they are ready. */
export const askTracks = (id: string, tracks: readonly { person_id: string; shown: TrackShown }[]): Promise<SingleTracks> =>
  post(`/recordings/${id}/replay/tracks`, { tracks });
