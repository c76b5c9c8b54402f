"""Hearings in SQL."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection


class SqlHearings:
    """`ports.hearings.Hearings` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection
