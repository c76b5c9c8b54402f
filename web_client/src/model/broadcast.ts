/** Delayed live, as in `docs/PROTOCOL.md` section 1. */

import type { PartyResponse } from "./publication";
import type { CourtName } from "./types";

export type BroadcastState = "submitted" | "approved" | "rejected" | "cut";
export interface Broadcast {
  id: string;
  hearing_id: string;
  state: BroadcastState;
  title: string;
  cause: string;
  case_number: string;
  held_on: string;
  submitted_by: { id: string; name: string };
  submitted_at: string;
  objections_until: string;
  responses: PartyResponse[];
  decided_at: string | null;
  cut_at: string | null;
  reason: string | null;
}
export interface LiveBroadcast {
  id: string;
  title: string;
  cause: string;
  case_number: string;
  court: CourtName;
  held_on: string;
  playlist_url: string;
}
