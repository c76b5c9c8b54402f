"""`ports.media.RoomEngine` over media processes: each order goes to where its room or seat lives."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from hearing_server.adapters.media_process.calls import Call
from hearing_server.adapters.media_process.directory import Directory
from hearing_server.adapters.media_process.place import Place
from hearing_server.adapters.rooms import seat_grant
from hearing_server.errors import HearingError
from hearing_server.kernel import HearingId, PersonId
from hearing_server.ports.media import (
    NodeListener,
    RoomListener,
    RoomStanding,
    SeatListener,
    SeatTaken,
)
from hearing_server.ports.room_media import RoomMedia

_log = logging.getLogger(__name__)


class ProcessRooms:
    """Rooms in processes of their own; facts come back through the listeners bound by the composition root."""

    def __init__(self, grant_key: bytes, directory: Directory) -> None:
        self._grant_key = grant_key
        self._directory = directory
        self.room_listener: RoomListener | None = None
        self.seat_listener: SeatListener | None = None
        self.node_listener: NodeListener | None = None

    async def standing(self) -> tuple[RoomStanding, ...]:
        return tuple(room for state in await self._directory.states() for room in state.rooms)

    async def open_room(self, room: HearingId) -> None:
        place = await self._directory.settle(room)
        if place.link is not None:
            await place.link.order("rooms.open_room", room=room)

    async def close_room(self, room: HearingId, *, reason: str) -> None:
        place = self._directory.rooms.pop(room, None)
        if place is not None and place.link is not None:
            await place.link.order("rooms.close_room", room=room, reason=reason)

    async def hold_room(self, room: HearingId, *, held: bool) -> None:
        await self._at_room(room, "hold_room", held=held)

    async def remove(self, room: HearingId, person: PersonId, *, reason: str) -> None:
        await self._at_room(room, "remove", person=person, reason=reason)

    async def readmit(self, room: HearingId, person: PersonId) -> None:
        await self._at_room(room, "readmit", person=person)

    async def set_muted(
        self, room: HearingId, person: PersonId, *, source: str, muted: bool, by: PersonId
    ) -> None:
        await self._at_room(room, "set_muted", person=person, source=source, muted=muted, by=by)

    def grant(
        self, room: HearingId, person: PersonId, *, seat_key: str, may_moderate: bool, standing: str
    ) -> str:
        return seat_grant(
            self._grant_key, room, person, seat_key=seat_key, may_moderate=may_moderate, standing=standing
        )

    async def join(self, grant: str, *, room: HearingId, person: PersonId) -> SeatTaken:
        taken: SeatTaken = await self._at_room(room, "join", grant=grant, person=person)
        place = self._directory.rooms.get(room)
        if place is not None:
            self._directory.seats[taken.seat] = place
        return taken

    async def leave(self, seat: str, *, reason: str) -> None:
        await self._at_seat(seat, "leave", reason=reason)

    async def publish(self, seat: str, *, sdp: str, sources: Mapping[str, str]) -> str:
        answer: str = await self._at_seat(seat, "publish", sdp=sdp, sources=sources)
        return answer

    async def unpublish(self, seat: str, *, source: str) -> None:
        await self._at_seat(seat, "unpublish", source=source)

    async def answer(self, seat: str, *, version: int, sdp: str) -> None:
        await self._at_seat(seat, "answer", version=version, sdp=sdp)

    async def restart_subscription(self, seat: str) -> None:
        await self._at_seat(seat, "restart_subscription")

    async def prefer(self, seat: str, *, identity: str, source: str, max_height_px: int) -> None:
        await self._at_seat(seat, "prefer", identity=identity, source=source, max_height_px=max_height_px)

    async def limit_pictures(self, seat: str, *, max_pictures: int | None) -> None:
        await self._at_seat(seat, "limit_pictures", max_pictures=max_pictures)

    async def set_self_muted(self, seat: str, *, source: str, muted: bool) -> None:
        await self._at_seat(seat, "set_self_muted", source=source, muted=muted)

    async def media(self, room: HearingId) -> RoomMedia:
        measured: RoomMedia = await self._at_room(room, "media")
        return measured

    async def _at_room(self, room: HearingId, name: str, **arguments: Any) -> Any:
        return await self._directory.of_room(room).order(f"rooms.{name}", room=room, **arguments)

    async def _at_seat(self, seat: str, name: str, **arguments: Any) -> Any:
        return await self._directory.of_seat(seat).order(f"rooms.{name}", seat=seat, **arguments)

    # --- news ------------------------------------------------------------------------------------

    async def told(self, place: Place, call: Call, arguments: Mapping[str, Any]) -> None:
        """Hand news of a process to whoever listens to that kind of them."""
        kind, _, name = call.name.partition(".")
        if call.name == "node.missed":
            await self._caught_up(place, arguments)
        elif kind == "room" and self.room_listener is not None:
            await getattr(self.room_listener, name)(**arguments)
        elif kind == "seat" and self.seat_listener is not None:
            if name == "seat_ended":
                self._directory.seats.pop(arguments["seat"], None)
            await getattr(self.seat_listener, name)(**arguments)

    async def _caught_up(self, place: Place, arguments: Mapping[str, Any]) -> None:
        before = {seat for seat, where in self._directory.seats.items() if where is place}
        self._directory.note_state(place, arguments["state"])
        for seat in before - self._directory.seats.keys():
            await self._end_seat(seat, "ended")
        if self.node_listener is not None:
            await self.node_listener.rooms_seen(arguments["state"].rooms)

    async def lost(self, rooms: tuple[HearingId, ...]) -> None:
        """A process is gone with these: the court opens the rooms again, the pages sit down in them again."""
        if self.node_listener is not None and rooms:
            await self.node_listener.rooms_lost(rooms)

    async def end_seats(self, seats: tuple[str, ...]) -> None:
        """Tell pages that their seats went with a process; for them that is a reason to take a new one at once."""
        for seat in seats:
            await self._end_seat(seat, "media_lost")

    async def _end_seat(self, seat: str, reason: str) -> None:
        if self.seat_listener is None:
            return
        try:
            await self.seat_listener.seat_ended(seat, reason)
        except HearingError as error:
            _log.info("a seat's end was not told: %s", error.code)
