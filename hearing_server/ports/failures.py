"""Failure statements, and the look into sealed pieces that finds what they are about."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from hearing_server.domain.recording.content_rules import PieceSeen
from hearing_server.domain.recording.failures import Failure
from hearing_server.kernel import FailureId, HearingId, PersonId, RecordingId


class Failures(Protocol):
    """Failures as documents."""

    async def add(self, failure: Failure) -> None: ...
    async def save(self, failure: Failure) -> None: ...
    async def get(self, failure_id: FailureId, *, lock: bool = False) -> Failure | None: ...
    async def of_recording(self, recording_id: RecordingId) -> list[Failure]:
        """Oldest first."""
        ...

    async def of_hearing(self, hearing_id: HearingId) -> list[Failure]:
        """Oldest first."""
        ...


class ContentCheck(Protocol):
    """Looks into sealed pieces in a locked-up process of its own."""

    async def look(self, folder: Path, *, after: int, listen_to: Iterable[PersonId]) -> tuple[PieceSeen, ...]:
        """The pieces sealed behind number `after`, the newest few; sound of these people is decoded.

        Nothing when the process died, hangs or is not there: the next look starts another.
        """
        ...

    async def stop(self) -> None:
        """End the process."""
        ...
