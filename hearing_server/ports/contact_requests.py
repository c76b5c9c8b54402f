"""Repository of requests for contact."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hearing_server.domain.case_space.contact_requests import ContactRequest
from hearing_server.kernel import CaseId, ContactRequestId, CourtId, PersonId


class ContactRequests(Protocol):
    """Requests as documents beside the columns that are searched."""

    async def add(self, request: ContactRequest) -> None: ...
    async def save(self, request: ContactRequest) -> None: ...
    async def get(self, request_id: ContactRequestId, *, lock: bool = False) -> ContactRequest | None: ...
    async def of_case(self, case_id: CaseId, *, asker_id: PersonId | None = None) -> list[ContactRequest]:
        """Newest first, at most 100; of one person when asked so."""
        ...

    async def open_of_court(self, court_id: CourtId, *, limit: int) -> list[ContactRequest]:
        """Waiting and taken ones, the earliest due first."""
        ...

    async def open_of_cases(self, case_ids: list[CaseId]) -> list[ContactRequest]: ...
    async def asked_since(self, case_id: CaseId, asker_id: PersonId, *, since: datetime) -> int:
        """How many this person has made in the case since then, withdrawn ones too."""
        ...

    async def due(self, now: datetime, limit: int) -> list[ContactRequestId]:
        """Open ones whose lateness was not told yet."""
        ...
