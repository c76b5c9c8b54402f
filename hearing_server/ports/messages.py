"""Repository of what later messages do to earlier ones, and of who was mentioned where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hearing_server.domain.case_space.messages import LaneEvent
from hearing_server.kernel import AttachmentId, CaseId, LaneId, PersonId


@dataclass(frozen=True, slots=True)
class Mention:
    """One person named in one message. `told_at`: when it was settled whether a notice goes out for it."""

    lane: LaneId
    seq: int
    person_id: PersonId
    case_id: CaseId
    at: datetime
    told_at: datetime | None = None


class Messages(Protocol):
    """Beside the log itself: look-ups by number, and the rows that follow from messages."""

    async def at(self, lane_id: LaneId, seqs: Iterable[int]) -> dict[int, LaneEvent]:
        """The events of these numbers that exist, by number."""
        ...

    async def amending(self, lane_id: LaneId, seqs: Iterable[int]) -> list[LaneEvent]:
        """Corrections and tombstones of the events of these numbers, in the lane's order."""
        ...

    async def was_posted(self, attachment_id: AttachmentId, lane_id: LaneId) -> bool:
        """Whether this file stands in the lane already, be it out of sight."""
        ...

    async def withhold_file(self, attachment_id: AttachmentId, lane_id: LaneId) -> None:
        """The message that showed it is out of sight: its readers don't get the file any more."""
        ...

    async def lanes_withholding(self, attachment_id: AttachmentId) -> list[LaneId]:
        """The lanes in which it was posted and is out of sight."""
        ...

    async def add_mention(self, mention: Mention) -> None: ...
    async def unread_mentions(self, person_id: PersonId, lane_ids: list[LaneId]) -> dict[LaneId, list[int]]:
        """Numbers beyond the person's read mark that name them, ascending, at most 50 a lane."""
        ...

    async def untold_mentions(self, *, until: datetime, limit: int) -> list[Mention]:
        """Not settled, and made at this time or before; oldest first."""
        ...

    async def settle_mention(self, mention: Mention, *, at: datetime) -> bool:
        """False when somebody settled it meanwhile."""
        ...
