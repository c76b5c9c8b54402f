"""Texts kept for searching: what was indexed of lanes, files and exhibits, and how far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from hearing_server.kernel import AttachmentId, CaseId, ExhibitId, LaneId


class Source(StrEnum):
    MESSAGE = "message"
    DOCUMENT = "document"
    EXHIBIT = "exhibit"


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """One text: an event of a lane (`part` its number), a page of a file (`part` the page), an exhibit (part 0).

    `subject` is the id of the lane, the file or the exhibit; `words` the text in normal form.
    """

    source: Source
    subject: str
    part: int
    case_id: CaseId
    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Found:
    """Where an entry leads; what may be shown of it is read again at its source."""

    source: Source
    subject: str
    part: int
    case_id: CaseId
    at: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """In which cases, and in which of their lanes."""

    case_ids: Sequence[CaseId]
    lane_ids: Sequence[LaneId]
    sources: Sequence[Source] = tuple(Source)


# (at, source, subject, part) of the last entry somebody was shown.
Cursor = tuple[datetime, str, str, int]


class SearchIndex(Protocol):
    """The texts, and marks of how far each subject was taken in."""

    async def put(self, entry: SearchEntry) -> None:
        """Write it, over what stood there."""
        ...

    async def forget(self, source: Source, subject: str, part: int | None = None) -> None:
        """One text, or all of a subject."""
        ...

    async def mark(self, source: Source, subject: str, upto: int) -> None: ...
    async def lanes_behind(self, limit: int) -> list[tuple[LaneId, int]]:
        """Lanes with newer events than their mark, and the mark."""
        ...

    async def files_behind(self, limit: int) -> list[AttachmentId]:
        """Files that are ready and were never taken in."""
        ...

    async def exhibits_behind(self, limit: int) -> list[ExhibitId]:
        """Exhibits of a newer revision than their mark."""
        ...

    async def find(
        self, scope: Scope, terms: Sequence[str], *, before: Cursor | None, limit: int
    ) -> list[Found]:
        """Newest first, those that hold every term."""
        ...
