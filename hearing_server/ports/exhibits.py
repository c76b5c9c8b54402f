"""Repository of exhibits, opinions on them, and a case's times for both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hearing_server.domain.exhibits.exhibits import Exhibit
from hearing_server.domain.exhibits.opinions import Opinion
from hearing_server.kernel import AttachmentId, CaseId, ExhibitId, PersonId


@dataclass(frozen=True, slots=True)
class ExhibitTerms:
    """举证期限 of a case. `submit_until` None: none was set."""

    case_id: CaseId
    submit_until: datetime | None = None
    set_by: PersonId | None = None
    set_at: datetime | None = None


class Exhibits(Protocol):
    """Whole exhibits in, whole exhibits out. Lock the case's act chain before writing: one order for all."""

    async def add(self, exhibit: Exhibit) -> None: ...
    async def get(self, exhibit_id: ExhibitId) -> Exhibit | None: ...
    async def save(self, exhibit: Exhibit) -> None:
        """Write it whole, with the files it opens the door to. The caller holds the case's act chain."""
        ...

    async def discard(self, exhibit_id: ExhibitId) -> None:
        """A draft that was never submitted; nothing else is ever deleted."""
        ...

    async def of_case(self, case_id: CaseId) -> list[Exhibit]:
        """All versions in the order of series, number and version; drafts last, by age."""
        ...

    async def of_cases(self, case_ids: list[CaseId]) -> list[Exhibit]: ...
    async def using(self, attachment_id: AttachmentId) -> list[Exhibit]:
        """Those that hold this file, or whose redacted version is it."""
        ...

    async def next_number(self, case_id: CaseId, series: str) -> int:
        """The next number of a series of the case, taken until the commit: a unit that fails gives it back."""
        ...

    async def add_opinion(self, opinion: Opinion) -> None: ...
    async def opinions_of_case(self, case_id: CaseId) -> list[Opinion]:
        """Oldest first."""
        ...

    async def opinions_of_cases(self, case_ids: list[CaseId]) -> list[Opinion]: ...
    async def opinions_of(self, exhibit_id: ExhibitId) -> list[Opinion]: ...
    async def terms(self, case_id: CaseId) -> ExhibitTerms: ...
    async def save_terms(self, terms: ExhibitTerms) -> None: ...
