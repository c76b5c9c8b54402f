"""Documents a reminder can name: each theme that has some registers a source under its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hearing_server.filing.cases import Case
from hearing_server.ports.units import Unit


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """`sha256` (hex) is the content as it is now: an acknowledgment is of exactly this."""

    title: str
    sha256: str


class DocumentSource(Protocol):
    """`find` answers None for what is not there, not of this case, or not to be seen by everybody on it."""

    async def find(self, unit: Unit, case: Case, document_id: str) -> FoundDocument | None: ...
