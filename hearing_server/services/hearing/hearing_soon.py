"""The card that a hearing starts soon: once per hearing, a quarter of an hour before."""

from __future__ import annotations

from datetime import timedelta

from hearing_server.domain.hearing.hearings import HearingState
from hearing_server.domain.progress.nodes import NodeKind
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Clock, system_actor, to_wire
from hearing_server.ports.units import Units
from hearing_server.services.progress.node_pushes import post_node

_BEFORE = timedelta(minutes=15)


class HearingSoon:
    """A job; safe to run in several processes at once."""

    def __init__(self, units: Units, clock: Clock, profile: CourtProfile) -> None:
        self._system = system_actor(profile.court.id)
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
                    starts_at = to_wire(hearing.starts_at)
                    await post_node(
                        unit, self._system, hearing.case_id, NodeKind.HEARING_STARTING_SOON,
                        {"hearing_id": hearing.id, "title": hearing.title, "starts_at": starts_at},
                        key=f"{hearing.id}:{starts_at}", now=now,
                    )  # fmt: skip
        return 0
