import type { ClosedDoors, Ground } from "@/model/types";
import { post } from "./request";

/** 不公开审理, by the judge, for a case or one hearing. */
export const closeDoors = (
  of: "cases" | "hearings",
  id: string,
  { ground, reason, request }: { ground: Ground; reason: string; request: string },
): Promise<{ closed_doors: ClosedDoors }> => post(`/${of}/${id}/closed-doors`, { ground, reason: reason.trim(), request: request.trim() });
