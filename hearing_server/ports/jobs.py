"""The queue of small jobs: hints that something is due. The truth is a row; a lost or doubled hint does no harm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

Work = Callable[[str], Awaitable[None]]


class JobQueue(Protocol):
    """In this process by default, over Redis when several processes share the work."""

    def serve(self, name: str, work: Work) -> None:
        """Do `work(key)` for each job of this name. Named before `start`."""
        ...

    async def start(self, *, takes_jobs: bool) -> None: ...
    @property
    def is_stopping(self) -> bool:
        """Jobs that wait for their turn give it up; their rows are found again."""
        ...

    async def put(self, name: str, key: str) -> None:
        """Errors: OSError when the queue can't be reached; the caller does the work itself or comes back."""
        ...

    async def stop(self) -> None:
        """Waits for the jobs in hand."""
        ...
