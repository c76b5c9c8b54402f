"""Repository of broadcasts, and the maker of their segments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from hearing_server.domain.publishing.broadcasts import Broadcast, BroadcastState
from hearing_server.kernel import BroadcastId, HearingId


class Broadcasts(Protocol):
    """Broadcasts as documents."""

    async def add(self, broadcast: Broadcast) -> None: ...
    async def save(self, broadcast: Broadcast) -> None: ...
    async def get(self, broadcast_id: BroadcastId, *, lock: bool = False) -> Broadcast | None: ...
    async def of_hearing(self, hearing_id: HearingId) -> Broadcast | None:
        """The newest."""
        ...

    async def in_state(
        self, state: BroadcastState, *, number: str = "", held_on: date | None = None
    ) -> list[Broadcast]:
        """Newest first. `number`: a part of the case number."""
        ...


@dataclass(frozen=True, slots=True)
class LiveSegment:
    """One segment, ready: its place in the stream, its file, how long it is, and when its last picture was taken."""

    number: int
    path: Path
    duration_s: float
    until_utc_ns: int


class SegmentMaker(Protocol):
    """Makes segments of a running hearing's film in a process of its own."""

    async def make(self, folder: Path) -> None:
        """Whatever is missing of the recording in `folder`; returns at once when its film hasn't grown."""
        ...

    async def ready(self, folder: Path) -> tuple[LiveSegment, ...]:
        """In order, without holes; empty before the first."""
        ...
