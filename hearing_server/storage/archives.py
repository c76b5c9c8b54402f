"""Archive packages in SQL."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.recording.archives import Archive, ArchiveState
from hearing_server.domain.recording.recordings import FilmState, Recording
from hearing_server.kernel import RecordingId
from hearing_server.storage.rows import first
from hearing_server.storage.tables.archives import archives as a
from hearing_server.storage.tables.recordings import recordings as r

_ARCHIVE = TypeAdapter(Archive)
_RECORDING = TypeAdapter(Recording)


class SqlArchives:
    """`ports.archives.Archives` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, archive: Archive) -> None:
        await self._db.execute(
            a.insert().values(recording_id=archive.recording_id, case_id=archive.case_id, **_columns(archive))
        )

    async def save(self, archive: Archive) -> None:
        await self._db.execute(
            a.update().where(a.c.recording_id == archive.recording_id).values(**_columns(archive))
        )

    async def get(self, recording_id: RecordingId) -> Archive | None:
        row = await first(self._db, sa.select(a.c.document).where(a.c.recording_id == recording_id))
        return _ARCHIVE.validate_python(row["document"]) if row else None

    async def due(self, states: tuple[ArchiveState, ...], now: datetime, limit: int) -> list[Archive]:
        query = (
            sa.select(a.c.document)
            .where(a.c.state.in_([state.value for state in states]), a.c.due_at <= now)
            .order_by(a.c.due_at)
            .limit(limit)
        )
        return [
            _ARCHIVE.validate_python(row["document"]) for row in (await self._db.execute(query)).mappings()
        ]

    async def without(self, limit: int) -> list[Recording]:
        query = (
            sa.select(r.c.document)
            .outerjoin(a, a.c.recording_id == r.c.id)
            .where(r.c.film_state == FilmState.READY.value, a.c.recording_id.is_(None))
            .order_by(r.c.id)
            .limit(limit)
        )
        return [
            _RECORDING.validate_python(row["document"]) for row in (await self._db.execute(query)).mappings()
        ]


def _columns(archive: Archive) -> dict[str, object]:
    return {
        "state": archive.state.value,
        "due_at": archive.due_at,
        "document": _ARCHIVE.dump_python(archive, mode="json"),
    }
