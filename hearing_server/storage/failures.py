"""Failures of recordings in SQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.recording.failures import Failure
from hearing_server.kernel import FailureId, HearingId, RecordingId
from hearing_server.storage.rows import first
from hearing_server.storage.tables.failures import failures as f

_FAILURE = TypeAdapter(Failure)


class SqlFailures:
    """`ports.failures.Failures` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, failure: Failure) -> None:
        await self._db.execute(
            f.insert().values(
                id=failure.id,
                recording_id=failure.recording_id,
                hearing_id=failure.hearing_id,
                noticed_at=failure.noticed_at,
                document=_FAILURE.dump_python(failure, mode="json"),
            )
        )

    async def save(self, failure: Failure) -> None:
        document = _FAILURE.dump_python(failure, mode="json")
        await self._db.execute(f.update().where(f.c.id == failure.id).values(document=document))

    async def get(self, failure_id: FailureId, *, lock: bool = False) -> Failure | None:
        query = sa.select(f.c.document).where(f.c.id == failure_id)
        row = await first(self._db, query.with_for_update() if lock else query)
        return _FAILURE.validate_python(row["document"]) if row else None

    async def of_recording(self, recording_id: RecordingId) -> list[Failure]:
        return await self._many(sa.select(f.c.document).where(f.c.recording_id == recording_id))

    async def of_hearing(self, hearing_id: HearingId) -> list[Failure]:
        return await self._many(sa.select(f.c.document).where(f.c.hearing_id == hearing_id))

    async def _many(self, query: sa.Select[Any]) -> list[Failure]:
        rows = (await self._db.execute(query.order_by(f.c.noticed_at, f.c.id))).mappings()
        return [_FAILURE.validate_python(row["document"]) for row in rows]
