"""The card that a hearing starts soon: once per hearing, a quarter of an hour before."""

from __future__ import annotations

from datetime import timedelta

from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.hearing.hearings import HearingState
from hearing_server.kernel import Clock, to_wire
from hearing_server.ports.units import Units
from hearing_server.services.case_space.lanes import post_card

_BEFORE = timedelta(minutes=15)


class HearingSoon:
    """A job; safe to run in several processes at once."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def announce_due(self) -> int:
        """Post what is due; 0, for the next look is at the next turn."""
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            soon = await unit.hearings.starting_between(now, now + _BEFORE)
        for hearing in soon:
            if hearing.state not in (HearingState.SCHEDULED, HearingState.LOBBY):
                continue
            async with self._units.write() as unit:
                # Moved hearings are announced again: the mark holds the time.
                mark = f"hearing_soon:{hearing.id}:{to_wire(hearing.starts_at)}"
                if await unit.space.mark_once(mark, now=now):
                    body = {
                        "hearing_id": hearing.id,
                        "title": hearing.title,
                        "starts_at": to_wire(hearing.starts_at),
                    }
                    await post_card(unit, hearing.case_id, Card.HEARING_STARTING_SOON, body, now=now)
        return 0
