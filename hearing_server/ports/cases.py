"""Repository of cases: whole aggregates in, whole aggregates out."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hearing_server.filing.cases import Case, Party, Representation
from hearing_server.filing.closed_doors import ClosedDoors
from hearing_server.filing.docket import DocketEntry
from hearing_server.kernel import CaseId, CourtId, PartyId, PersonId


class Cases(Protocol):
    """Cases with their parties, the docket, and the counters of case numbers."""

    async def add(self, case: Case) -> None:
        """Insert the case with its parties. Conflict `case.number_taken` when the number was ever used."""
        ...

    async def get(self, case_id: CaseId, *, lock: bool = False) -> Case | None:
        """`lock` holds the case's row until the commit."""
        ...

    async def by_number(self, court_id: CourtId, number: str) -> Case | None: ...
    async def of_person(self, person_id: PersonId) -> list[Case]:
        """Cases on which the person has a place today, newest first."""
        ...

    async def of_court(self, court_id: CourtId, *, limit: int = 500) -> list[Case]:
        """All cases of the court, newest first."""
        ...

    async def close_doors(self, case_id: CaseId, doors: ClosedDoors) -> None: ...
    async def add_party(self, case_id: CaseId, party: Party) -> None: ...
    async def add_representative(self, case_id: CaseId, party_id: PartyId, agent: Representation) -> None: ...
    async def end_representation(self, agent_id: PartyId, *, now: datetime) -> None:
        """The row stays, with the time of its end."""
        ...

    async def next_serial(self, court_id: CourtId, year: int, type_code: str) -> int:
        """The next number of the series, taken under a lock that holds until the commit."""
        ...

    async def raise_serial(self, court_id: CourtId, year: int, type_code: str, serial: int) -> None:
        """An imported number was seen: the series goes on after it."""
        ...

    async def next_docket_seq(self, case_id: CaseId) -> int: ...
    async def add_docket(self, entry: DocketEntry) -> None: ...
    async def docket(self, case_id: CaseId) -> list[DocketEntry]: ...
