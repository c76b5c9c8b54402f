"""Space in SQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.kernel import CaseId


class SqlSpace:
    """`ports.space.Space` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def open_lanes(self, case_id: CaseId, *, now: datetime) -> None:
        return None
