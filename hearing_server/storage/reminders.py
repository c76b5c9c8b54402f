"""Reminders in SQL."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection


class SqlReminders:
    """`ports.reminders.Reminders` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection
