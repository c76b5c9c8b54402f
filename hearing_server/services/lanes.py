"""The lanes every case has from its first day, and the cards the court's system posts into them."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.messages import Card
from hearing_server.filing.cases import Case
from hearing_server.kernel import CaseId
from hearing_server.ports.units import Unit


async def open_lanes(unit: Unit, case: Case, *, now: datetime) -> None:
    """Open the case's lanes in the caller's unit."""
    await unit.space.open_lanes(case.id, now=now)


async def post_card(unit: Unit, case_id: CaseId, card: Card, body: JsonObject, *, now: datetime) -> None:
    """One card into the lane `everyone`, in the caller's unit."""
