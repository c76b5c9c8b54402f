"""What the court has closed of a person, told to the room."""

from __future__ import annotations

from hearing_server.domain.hearing.participants import Participant, Source
from hearing_server.kernel import HearingId, PersonId
from hearing_server.ports.media import RoomEngine


async def close_sources(rooms: RoomEngine, room: HearingId, person: Participant, *, by: PersonId) -> None:
    """Every source of a person as the court has ordered it: saying an order twice changes nothing."""
    for source in Source:
        await rooms.set_muted(
            room, person.person_id, source=source.value, muted=person.is_closed(source), by=by
        )
