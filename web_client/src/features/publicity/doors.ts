import type { Ground } from "@/model/types";

export interface DoorsDraft {
  ground: Ground;
  reason: string;
  request: string;
}

export const GROUNDS: readonly Ground[] = ["state_secret", "privacy", "minor", "trade_secret", "divorce", "other_law"];
/** 民事诉讼法 art 137(2): these close the doors only where a party has asked. */
const ON_REQUEST: readonly Ground[] = ["trade_secret", "divorce"];

export const emptyDoors = (): DoorsDraft => ({ ground: "privacy", reason: "", request: "" });
export const needsRequest = (ground: Ground): boolean => ON_REQUEST.includes(ground);
export const isComplete = (draft: DoorsDraft): boolean =>
  draft.reason.trim() !== "" && (!needsRequest(draft.ground) || draft.request.trim() !== "");
