import type { MovedDoor } from "@/media/moved_links";
import { post } from "./request";

/** The two requests by which a seat's links follow their person to another network (docs/PROTOCOL.md section 2). */
export const movedDoor = (hearingId: string): MovedDoor => ({
  moved: (body, signal) => post(`/hearings/${hearingId}/seat/moved`, body, { signal }),
  answer: (body, signal) => post(`/hearings/${hearingId}/seat/moved/answer`, body, { signal }),
});
