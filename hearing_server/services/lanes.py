"""The lanes every case has from its first day: everyone, and the bench."""

from __future__ import annotations

from datetime import datetime

from hearing_server.filing.cases import Case
from hearing_server.ports.units import Unit


async def open_lanes(unit: Unit, case: Case, *, now: datetime) -> None:
    """Open the case's lanes in the caller's unit."""
    await unit.space.open_lanes(case.id, now=now)
