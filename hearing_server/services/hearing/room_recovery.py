"""Running hearings whose rooms or whose server went away: rooms open again, recordings go on, nothing is guessed.

Two things may die: the process of the court and, where rooms live in processes of their own, that of a room. Rooms that
outlived the court are found as they are and nobody in them notices; rooms that died are opened anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.hearing import attendance, hearings
from hearing_server.domain.hearing.hearings import Change, Hearing, HearingState
from hearing_server.domain.hearing.participants import Connection, ConnectionFacts
from hearing_server.kernel import Clock, CourtId, HearingId, PersonId, system_actor
from hearing_server.ports.media import PersonStanding, RoomEngine, RoomStanding
from hearing_server.ports.units import Units
from hearing_server.services.acts import record_act
from hearing_server.services.hearing.room_reports import RoomReports, apply_orders, hold_room, take_up_room
from hearing_server.services.recording.recorder_watch import RecorderWatch, TakenUp

_log = logging.getLogger(__name__)
# How long a room that can't be opened waits for the next try. A process needs about a second to be there again.
_AGAIN_S = 1.0
# Orders that come while a room is brought to the stored state: it is looked at again until nothing changed meanwhile.
_MAX_LOOKS = 8


class RoomRecovery:
    """`ports.media.NodeListener`, and what is done once after every start."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        rooms: RoomEngine,
        recorder: RecorderWatch,
        reports: RoomReports,
        court_id: CourtId,
    ) -> None:
        self._units = units
        self._clock = clock
        self._rooms = rooms
        self._recorder = recorder
        self._reports = reports
        self._court_id = court_id

    async def recover(self) -> int:
        """After a start: take up every hearing that was running or may still be reopened; how many.

        What ran on is left alone; a record that was interrupted goes on and says what it lost.
        """
        standing = {room.room: room for room in await self._rooms.standing()}
        async with self._units.read() as unit:
            found = await unit.hearings.in_states((*hearings.RUNNING, HearingState.CLOSED))
            waiting = await unit.hearings.in_states((HearingState.LOBBY,))
        now = self._clock.utc_now()
        alive = [hearing for hearing in found if not hearing.is_final(now)]
        await self._recorder.let_go_of_strangers()
        for hearing in (*alive, *waiting):
            await self._catch_up(hearing, standing.get(hearing.id))
        for hearing in alive:
            taken_up = await self._bring_up(hearing.id)
            if taken_up is TakenUp.CONTINUED:
                await self._note_recovered(hearing)
        for hearing in waiting:
            if hearing.id in standing:
                await take_up_room(self._rooms, self._recorder, hearing)
        # Rooms of hearings that ended for good are closed when their records are sealed; these belong to none.
        for room in standing.keys() - {hearing.id for hearing in (*found, *waiting)}:
            await self._rooms.close_room(room, reason="closed")
        return len(alive)

    async def rooms_lost(self, rooms: tuple[HearingId, ...]) -> None:
        """Say at once that their records stand still, then open each room again, as long as it takes."""
        for room in rooms:
            self._recorder.live(room).everybody_left()
            self._recorder.lose(room)
        async with asyncio.TaskGroup() as group:
            for room in rooms:
                group.create_task(self._reopen(room))

    async def rooms_seen(self, rooms: tuple[RoomStanding, ...]) -> None:
        for room in rooms:
            async with self._units.read() as unit:
                hearing = await unit.hearings.get(room.room)
            if hearing is not None:
                await self._catch_up(hearing, room)

    async def _reopen(self, room: HearingId) -> None:
        """Until it stands or isn't needed any more. What keeps one room closed keeps no other closed."""
        is_told = False
        while True:
            try:
                hearing = await self._stored(room)
                if hearing is None or not self._needs_a_room(hearing):
                    return
                if not is_told:
                    await self._say_lost(hearing)
                    is_told = True
                if hearing.state is HearingState.LOBBY:
                    await take_up_room(self._rooms, self._recorder, hearing)
                else:
                    await self._bring_up(room)
                return
            except Exception:
                _log.exception("a room could not be opened again yet", extra={"hearing": room})
                await asyncio.sleep(_AGAIN_S)

    async def _say_lost(self, hearing: Hearing) -> None:
        for person in hearing.participants:
            if person.is_in_room:
                await self._reports.note(hearing.id, person.person_id, _lost(person.person_id))

    def _needs_a_room(self, hearing: Hearing) -> bool:
        if hearing.state is HearingState.CLOSED:
            return not hearing.is_final(self._clock.utc_now())
        return hearing.state in (HearingState.LOBBY, *hearings.RUNNING)

    async def _bring_up(self, hearing_id: HearingId) -> TakenUp | None:
        """Room, orders and record as stored. An order given meanwhile changes the stored hearing first: look again."""
        taken_up: TakenUp | None = None
        for _ in range(_MAX_LOOKS):
            hearing = await self._stored(hearing_id)
            if hearing is None or not self._needs_a_room(hearing):
                break
            await take_up_room(self._rooms, self._recorder, hearing)
            await apply_orders(self._rooms, hearing)
            again = await self._recorder.take_up(hearing_id)
            taken_up = taken_up or again
            await hold_room(self._rooms, self._recorder, hearing_id, held=hearing.is_room_held)
            after = await self._stored(hearing_id)
            if after is None or after.version == hearing.version:
                break
        return taken_up

    async def _stored(self, hearing_id: HearingId) -> Hearing | None:
        async with self._units.read() as unit:
            return await unit.hearings.get(hearing_id)

    async def _catch_up(self, hearing: Hearing, room: RoomStanding | None) -> None:
        """Who is there: who sits in a standing room; all others' sockets and seats went with the process."""
        seated = {person.identity: person for person in room.people} if room is not None else {}
        for person in hearing.participants:
            there = seated.get(person.person_id)
            if there is not None:
                await self._find(hearing.id, there)
            elif person.is_in_room:
                await self._reports.note(hearing.id, person.person_id, _lost(person.person_id))
            else:
                await self._reports.note(hearing.id, person.person_id, _gone(person.person_id))
        if room is not None:
            await self._reports.speaker_changed(hearing.id, room.speaker)

    async def _find(self, hearing_id: HearingId, person: PersonStanding) -> None:
        """Somebody who never left: what the room knows of them is told as if it had just happened."""
        await self._reports.seat_taken(hearing_id, person.identity)
        await self._reports.path_changed(hearing_id, person.identity, person.state, person.facts)
        for track in person.tracks:
            device = "muted" if track.muted and not track.by_court else "on"
            await self._reports.device_changed(hearing_id, person.identity, track.source, device)

    async def _note_recovered(self, hearing: Hearing) -> None:
        async with self._units.write() as unit:
            await record_act(
                unit, system_actor(self._court_id), kind=ActKind.RECORDING_RECOVERED, chain_id=hearing.case_id,
                at=self._clock.utc_now(), payload={"hearing_id": hearing.id},
            )  # fmt: skip


def _gone(person_id: PersonId) -> Callable[[Hearing, datetime], Change]:
    return lambda hearing, at: attendance.note_page_gone(hearing, person_id, at=at)


def _lost(person_id: PersonId) -> Callable[[Hearing, datetime], Change]:
    """The person's path went with the process that carried it."""

    def transition(hearing: Hearing, at: datetime) -> Change:
        return attendance.note_connection(
            hearing, person_id, connection=Connection.LOST, facts=ConnectionFacts(), at=at
        )

    return transition
