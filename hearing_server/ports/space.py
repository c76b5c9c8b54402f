"""Repository of case spaces: lanes, events, receipts, attachments."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hearing_server.kernel import CaseId


class Space(Protocol):
    """Lanes and what is in them."""

    async def open_lanes(self, case_id: CaseId, *, now: datetime) -> None:
        """The lanes every case has: everyone and bench."""
        ...
