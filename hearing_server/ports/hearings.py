"""Repository of hearings."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hearing_server.domain.hearing.hearings import Hearing, HearingState
from hearing_server.kernel import CaseId, HearingId


class Hearings(Protocol):
    """Hearings as whole aggregates; `version` guards every change."""

    async def add(self, hearing: Hearing) -> None: ...

    async def save(self, hearing: Hearing, *, read_version: int) -> None:
        """Conflict `hearing.changed_meanwhile` when the stored version isn't `read_version`."""
        ...

    async def get(self, hearing_id: HearingId, *, lock: bool = False) -> Hearing | None:
        """`lock`: until the commit nobody else changes it (PostgreSQL; on SQLite the write unit is the lock)."""
        ...

    async def of_case(self, case_id: CaseId) -> list[Hearing]: ...
    async def of_cases(self, case_ids: list[CaseId]) -> list[Hearing]: ...
    async def in_states(self, states: tuple[HearingState, ...]) -> list[Hearing]: ...
    async def starting_between(self, start: datetime, end: datetime) -> list[Hearing]: ...
