"""Repository of reminders and their obligations."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hearing_server.domain.reminding.reminders import Obligation, Reminder
from hearing_server.kernel import CaseId, ObligationId, PersonId, ReminderId


class Reminders(Protocol):
    """Reminders and obligations as documents beside the columns that are searched."""

    async def add(self, reminder: Reminder) -> None: ...
    async def get(self, reminder_id: ReminderId) -> Reminder | None: ...
    async def many(self, reminder_ids: list[ReminderId]) -> dict[ReminderId, Reminder]: ...
    async def save_reminder(self, reminder: Reminder) -> None:
        """What may change after issue: that it became urgent."""
        ...

    async def naming(self, kind: str, document_id: str) -> list[Reminder]:
        """Reminders that name this document, oldest first."""
        ...

    async def of_case(self, case_id: CaseId) -> list[Reminder]:
        """Newest first."""
        ...

    async def add_obligation(self, obligation: Obligation, *, next_at: datetime | None) -> None: ...
    async def save(self, obligation: Obligation, *, next_at: datetime | None) -> None:
        """`next_at`: when the ladder wants to climb again, None when it doesn't."""
        ...

    async def obligation(self, obligation_id: ObligationId, *, lock: bool = False) -> Obligation | None: ...
    async def obligations_of(self, reminder_ids: list[ReminderId]) -> list[Obligation]: ...
    async def open_of_person(self, person_id: PersonId) -> list[Obligation]:
        """Oldest first."""
        ...

    async def on_board(self, case_ids: list[CaseId], limit: int) -> list[Obligation]:
        """What has not ended, or has left a clerk something to do; oldest first."""
        ...

    async def due(self, now: datetime, limit: int) -> list[ObligationId]:
        """Open obligations whose next step is due."""
        ...

    async def awaiting(self, limit: int) -> list[ObligationId]:
        """Obligations with an attempt whose provider hasn't answered yet."""
        ...
