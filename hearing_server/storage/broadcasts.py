"""Broadcasts in SQL."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.publishing.broadcasts import Broadcast, BroadcastState
from hearing_server.kernel import BroadcastId, HearingId
from hearing_server.storage.rows import first
from hearing_server.storage.tables.broadcasts import broadcasts as b

_BROADCAST = TypeAdapter(Broadcast)


class SqlBroadcasts:
    """`ports.broadcasts.Broadcasts` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, broadcast: Broadcast) -> None:
        await self._db.execute(
            b.insert().values(
                id=broadcast.id,
                hearing_id=broadcast.hearing_id,
                case_number=broadcast.case_number,
                held_on=broadcast.held_on,
                submitted_at=broadcast.submitted_at,
                **_columns(broadcast),
            )
        )

    async def save(self, broadcast: Broadcast) -> None:
        await self._db.execute(b.update().where(b.c.id == broadcast.id).values(**_columns(broadcast)))

    async def get(self, broadcast_id: BroadcastId, *, lock: bool = False) -> Broadcast | None:
        query = sa.select(b.c.document).where(b.c.id == broadcast_id)
        return await self._one(query.with_for_update() if lock else query)

    async def of_hearing(self, hearing_id: HearingId) -> Broadcast | None:
        query = sa.select(b.c.document).where(b.c.hearing_id == hearing_id)
        return await self._one(query.order_by(b.c.id.desc()).limit(1))

    async def in_state(
        self, state: BroadcastState, *, number: str = "", held_on: date | None = None
    ) -> list[Broadcast]:
        query = sa.select(b.c.document).where(b.c.state == state.value)
        if number:
            query = query.where(b.c.case_number.contains(number, autoescape=True))
        if held_on is not None:
            query = query.where(b.c.held_on == held_on)
        rows = await self._db.execute(query.order_by(b.c.id.desc()))
        return [_BROADCAST.validate_python(row["document"]) for row in rows.mappings()]

    async def _one(self, query: sa.Select[tuple[object]]) -> Broadcast | None:
        row = await first(self._db, query)
        return _BROADCAST.validate_python(row["document"]) if row else None


def _columns(broadcast: Broadcast) -> dict[str, object]:
    return {"state": broadcast.state.value, "document": _BROADCAST.dump_python(broadcast, mode="json")}
