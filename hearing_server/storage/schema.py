"""Bringing a database up to date."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from hearing_server.storage.tables import acts, cases, hearings, people, recordings, reminders, space
from hearing_server.storage.tables.base import metadata

# Named, so that every table is known to the metadata wherever it is used.
TABLES = (people, cases, hearings, recordings, space, reminders, acts)


async def bring_up_to_date(engine: AsyncEngine) -> None:
    """Create what is missing."""
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
