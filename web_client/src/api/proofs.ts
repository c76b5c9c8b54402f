import type { LogStatus } from "@/model/acts";
import { API, get, getFile } from "./request";

export const readProofFile = (actId: string): Promise<Uint8Array<ArrayBuffer>> => getFile(`/acts/${actId}/proof`);
export const proofAddress = (actId: string): string => `${API}/acts/${actId}/proof`;
export const readLogStatus = (): Promise<LogStatus> => get("/log");
export const POLICY_ADDRESS = "/log/policy";

/** The court's own word about its keys, outside the API; null when it can't be had. */
export async function readOwnPolicy(): Promise<string | null> {
  try {
    const answer = await fetch(POLICY_ADDRESS, { signal: AbortSignal.timeout?.(15_000) ?? null });
    return answer.ok ? await answer.text() : null;
  } catch {
    return null;
  }
}
