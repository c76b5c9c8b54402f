import type { Failure } from "@/model/types";
import { get, post } from "./request";

export const listFailuresOfHearing = async (id: string): Promise<Failure[]> =>
  (await get<{ items: Failure[] }>(`/hearings/${id}/failures`)).items;
export const listFailuresOfRecording = async (id: string): Promise<Failure[]> =>
  (await get<{ items: Failure[] }>(`/recordings/${id}/failures`)).items;
export const signFailure = (id: string, remarks: string): Promise<Failure> => post(`/failures/${id}/signature`, { remarks });
