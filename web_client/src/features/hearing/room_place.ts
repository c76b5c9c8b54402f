import type { RoomState } from "@/media/room_client";
import type { Hearing, HearingPerson } from "@/model/types";

/** What the hearing page shows: the way there, the door into the room, the room, or an end. */
export type RoomPlace = "loading" | "door" | "entrance" | "room" | "removed" | "closed" | "cancelled";

export interface PlaceFacts {
  hearing: Hearing | null;
  me: HearingPerson | null;
  isStaff: boolean;
  /** The person tapped their way in on this page. */
  hasEntered: boolean;
  seat: RoomState;
  now: Date;
}

export function roomPlace({ hearing, me, isStaff, hasEntered, seat, now }: PlaceFacts): RoomPlace {
  if (!hearing || !me) return "loading";
  if (hearing.state === "cancelled") return "cancelled";
  if (me.presence === "removed") return "removed";
  if (hearing.state === "closed") {
    // Whoever was there at the closing stays while it can be undone, to be back at once when it is.
    const canUndo = hearing.undo_close_until !== null && Date.parse(hearing.undo_close_until) > now.getTime();
    if (!canUndo || !(hasEntered || isStaff)) return "closed";
  }
  const isCalled = me.presence === "admitted" || me.presence === "present" || me.presence === "left";
  if (!isStaff && !isCalled) return "door";
  if (!hasEntered) return "entrance";
  return (seat === "ended" || seat === "out") && hearing.state !== "closed" ? "entrance" : "room";
}
