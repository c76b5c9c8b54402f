"""What the room reports about people, and how a room is brought to what the court has decided."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from hearing_server.domain.hearing import attendance
from hearing_server.domain.hearing.hearings import Change, Hearing
from hearing_server.domain.hearing.participants import (
    Connection,
    ConnectionFacts,
    Device,
    Presence,
    Source,
)
from hearing_server.errors import HearingError
from hearing_server.kernel import Actor, Clock, CourtId, HearingId, PersonId, Role
from hearing_server.ports.bus import Doorbell, EventBus
from hearing_server.ports.media import PathFacts, RoomEngine
from hearing_server.ports.units import Units
from hearing_server.services.hearing.changes import save_change
from hearing_server.services.hearing.closed_sources import close_sources
from hearing_server.services.recording.recorder_watch import RecorderWatch

_log = logging.getLogger(__name__)
# A seat that ends for one of these reasons was not left by the person: the stored presence says more.
_NOT_LEFT = ("replaced", "closed", "removed", "stopped")


async def take_up_room(rooms: RoomEngine, recorder: RecorderWatch, hearing: Hearing) -> None:
    """The room stands on this node with the court's orders in it; harmless when it stands already."""
    live = recorder.live(hearing.id)
    if live.is_taken_up:
        return
    await rooms.open_room(hearing.id)
    await apply_orders(rooms, hearing)
    live.is_taken_up = True


async def apply_orders(rooms: RoomEngine, hearing: Hearing) -> None:
    """Everybody in the room as the court has ordered: also orders that were lifted while nobody could tell the room."""
    for person in hearing.participants:
        if person.presence is Presence.REMOVED:
            await rooms.remove(hearing.id, person.person_id, reason="removed")
        else:
            await rooms.readmit(hearing.id, person.person_id)
        await close_sources(rooms, hearing.id, person, by=person.person_id)


async def hold_room(rooms: RoomEngine, recorder: RecorderWatch, hearing_id: HearingId, *, held: bool) -> None:
    """Hold the room and its recording light together, or release both."""
    await rooms.hold_room(hearing_id, held=held)
    recorder.hold(hearing_id, held=held)


class RoomReports:
    """`ports.media.RoomListener`: the room's facts become the hearing's."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        bus: EventBus,
        rooms: RoomEngine,
        recorder: RecorderWatch,
        court_id: CourtId,
    ) -> None:
        self._units = units
        self._clock = clock
        self._bus = bus
        self._rooms = rooms
        self._recorder = recorder
        self._court_id = court_id

    async def seat_taken(self, room: HearingId, person: PersonId) -> None:
        await self.note(room, person, lambda h, now: attendance.seat(h, person, at=now))

    async def seat_left(self, room: HearingId, person: PersonId, reason: str) -> None:
        if reason in _NOT_LEFT:
            return
        self._recorder.live(room).forget(person)
        await self.note(room, person, lambda h, now: attendance.leave(h, person, at=now))

    async def path_changed(self, room: HearingId, person: PersonId, state: str, facts: PathFacts) -> None:
        live = self._recorder.live(room)
        live.facts[person] = _figures(facts)
        changed = await self.note(
            room, person,
            lambda h, now: attendance.note_connection(
                h, person, connection=Connection(state), facts=ConnectionFacts(transport=facts.transport), at=now
            ),
        )  # fmt: skip
        if not changed:
            await self.tell(room)

    async def paths_measured(self, room: HearingId, paths: Mapping[PersonId, PathFacts]) -> None:
        """Figures alone change nothing that is stored: they are laid over, and the pages look again if any moved."""
        live = self._recorder.live(room)
        before = dict(live.facts)
        live.facts.update({person: _figures(facts) for person, facts in paths.items()})
        if live.facts != before:
            await self.tell(room)

    async def device_changed(self, room: HearingId, person: PersonId, source: str, device: str) -> None:
        if self._recorder.live(room).note_device(person, Source(source), Device(device)):
            await self.tell(room)

    async def speaker_changed(self, room: HearingId, person: PersonId | None) -> None:
        live = self._recorder.live(room)
        if live.speaker != person:
            live.speaker = person
            await self._bus.publish(Doorbell("speaker_changed", room, (("person_id", person or ""),)))

    async def tell(self, hearing_id: HearingId) -> None:
        """Let the live pages look again, without anything stored having changed."""
        await self._bus.publish(Doorbell("hearing_changed", hearing_id))

    async def note(
        self, room: HearingId, person_id: PersonId, transition: Callable[[Hearing, datetime], Change]
    ) -> bool:
        """Store what the room saw of a person, as that person's own act; True when something changed."""
        now = self._clock.utc_now()
        try:
            async with self._units.write() as unit:
                hearing = await unit.hearings.get(room, lock=True)
                person = hearing.find(person_id) if hearing else None
                if hearing is None or person is None:
                    return False
                role = Role(person.role.value) if person.is_court else Role.PARTY
                actor = Actor(person_id, role, self._court_id, person.name)
                after = await save_change(unit, actor, hearing, transition(hearing, now), at=now)
                return after != hearing
        except HearingError as error:
            # The room may know of somebody whom the court has just sent out: the court's word stands.
            _log.info("room report not taken", extra={"code": error.code})
            return False


def _figures(facts: PathFacts) -> ConnectionFacts:
    return ConnectionFacts(
        facts.rtt_ms,
        facts.loss_permille,
        facts.transport,
        jitter_ms=facts.jitter_ms,
        loss_up_permille=facts.loss_up_permille,
        loss_down_permille=facts.loss_down_permille,
        up_kbps=facts.up_kbps,
        down_kbps=facts.down_kbps,
        up_height_px=facts.up_height_px,
        down_height_px=facts.down_height_px,
    )
