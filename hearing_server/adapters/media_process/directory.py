"""Where everything lives: which room, seat and recording is in which process."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

from hearing_server.adapters.media_process.calls import media_restarting
from hearing_server.adapters.media_process.link import Link
from hearing_server.adapters.media_process.place import Place
from hearing_server.adapters.media_process.records import NodeState
from hearing_server.errors import HearingError, Unavailable
from hearing_server.kernel import HearingId, RecordingId

_log = logging.getLogger(__name__)
_Key = TypeVar("_Key")
# How long a room that must be opened waits for a process to be there: one needs about a second to start.
_WAIT_S = 20.0


class Directory:
    """A room never moves while it lives; a new one goes where the fewest people sit."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.rooms: dict[HearingId, Place] = {}
        self.seats: dict[str, Place] = {}
        self.recordings: dict[RecordingId, Place] = {}
        self._came = asyncio.Event()

    # --- looking up ------------------------------------------------------------------------------

    def of_room(self, room: HearingId) -> Link:
        """Errors: Unavailable `room.unknown`, `media.restarting`."""
        place = self.rooms.get(room)
        if place is None:
            raise Unavailable("room.unknown", zh="法庭尚未开放", en="The room is not open")
        return _link(place)

    def of_seat(self, seat: str) -> Link:
        """Errors: Unavailable `seat.unknown`, `media.restarting`."""
        place = self.seats.get(seat)
        if place is None:
            raise Unavailable(
                "seat.unknown", zh="席位已失效，请重新进入", en="This seat does not exist any more"
            )
        return _link(place)

    def of_recording(self, recording_id: RecordingId) -> Link:
        """Errors: Unavailable `recording.not_here`, `media.restarting`."""
        place = self.recordings.get(recording_id)
        if place is None:
            raise Unavailable(
                "recording.not_here", zh="本节点没有这一录像", en="This node isn't recording it"
            )
        return _link(place)

    async def settle(self, room: HearingId) -> Place:
        """The room's place, or one for it from now on. Errors: Unavailable `media.restarting` when none comes up."""
        try:
            async with asyncio.timeout(_WAIT_S):
                while room not in self.rooms:
                    found = self._emptiest()
                    if found is not None:
                        self.rooms[room] = found
                        break
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise media_restarting() from None
        return self.rooms[room]

    def _emptiest(self) -> Place | None:
        seats, rooms = Counter(self.seats.values()), Counter(self.rooms.values())
        open_ = [place for place in self.places if place.link is not None and not place.is_closing]
        return min(open_, key=lambda place: (seats[place], rooms[place], place.index), default=None)

    async def states(self) -> list[NodeState]:
        """What stands in each process that answers."""
        found = []
        for place in self.places:
            if place.link is None:
                continue
            try:
                found.append(await place.link.order("node.state"))
            except HearingError as error:
                # It is going, or hangs and will be ended: what was in it is told as lost then.
                _log.warning("media process %d doesn't say what stands in it: %s", place.index, error.code)
        return found

    # --- coming and going ------------------------------------------------------------------------

    def note_state(self, place: Place, state: NodeState) -> None:
        """What stands in a process that was found, or whose news were missed."""
        self.seats = {seat: where for seat, where in self.seats.items() if where is not place}
        for room in state.rooms:
            self.rooms[room.room] = place
            self.seats.update((person.seat, place) for person in room.people)
        self.recordings.update((each.recording_id, place) for each in state.recordings)
        self._came.set()

    def forget(self, place: Place) -> tuple[tuple[HearingId, ...], tuple[str, ...]]:
        """The process is gone: (rooms, seats) that were in it."""
        rooms = tuple(_in(self.rooms.items(), place))
        seats = tuple(_in(self.seats.items(), place))
        self.rooms = {room: where for room, where in self.rooms.items() if where is not place}
        self.seats = {seat: where for seat, where in self.seats.items() if where is not place}
        self.recordings = {each: where for each, where in self.recordings.items() if where is not place}
        return rooms, seats


def _in(items: Iterable[tuple[_Key, Place]], place: Place) -> list[_Key]:
    return [key for key, where in items if where is place]


def _link(place: Place) -> Link:
    if place.link is None:
        raise media_restarting()
    return place.link
