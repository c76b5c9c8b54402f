"""Repository of recordings and their publications."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from hearing_server.domain.publishing.publications import CopyState, Publication, PublicationState
from hearing_server.domain.recording.recordings import Recording, RecordingState
from hearing_server.kernel import CaseId, HearingId, PublicationId, RecordingId


class Recordings(Protocol):
    """Recordings as documents, publications as rows."""

    async def add(self, recording: Recording, case_id: CaseId) -> None: ...
    async def save(self, recording: Recording) -> None: ...
    async def get(self, recording_id: RecordingId) -> Recording | None: ...
    async def of_hearing(self, hearing_id: HearingId) -> Recording | None: ...
    async def of_cases(self, case_ids: list[CaseId]) -> list[Recording]:
        """Newest first."""
        ...

    async def in_state(self, state: RecordingState) -> list[Recording]: ...
    async def with_film(self, states: tuple[str, ...]) -> list[Recording]:
        """Recordings whose film is in one of these states, oldest first."""
        ...

    async def add_publication(self, publication: Publication) -> None: ...
    async def save_publication(self, publication: Publication) -> None: ...
    async def publication(self, publication_id: PublicationId, *, lock: bool = False) -> Publication | None:
        """`lock` for those who will change it."""
        ...

    async def newest_publication(self, recording_id: RecordingId) -> Publication | None: ...
    async def publications(
        self, states: tuple[PublicationState, ...], *, before: datetime | None = None, limit: int = 100
    ) -> list[Publication]:
        """Newest first by submission."""
        ...

    async def publications_of_case(self, case_id: CaseId) -> list[Publication]:
        """Newest first."""
        ...

    async def copies_due(self, states: tuple[CopyState, ...]) -> list[Publication]:
        """Submitted publications whose copy is in one of these states, oldest first."""
        ...

    async def public(
        self, *, number: str, held_on: date | None, before: datetime | None, limit: int
    ) -> list[Publication]:
        """What is public, newest first by publication. `number`: a part of the case number, empty for all."""
        ...
