"""The outbox of notices in SQL."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.ports.notices import Notice
from hearing_server.storage.rows import first, record, upsert, values
from hearing_server.storage.tables.acts import notices as n

_TO_SEND = ("queued", "sending")
_DETAIL_CHARS = 200


class SqlNotices:
    """`ports.notices.Notices` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, notice: Notice) -> bool:
        new = upsert(self._db, n).values(**values(notice))
        done = await self._db.execute(new.on_conflict_do_nothing(index_elements=["dedup_key"]))
        return done.rowcount == 1

    async def get(self, notice_id: str) -> Notice | None:
        row = await first(self._db, sa.select(n).where(n.c.id == notice_id))
        return record(Notice, row) if row else None

    async def by_key(self, dedup_key: str, *, lock: bool = False) -> Notice | None:
        query = sa.select(n).where(n.c.dedup_key == dedup_key)
        row = await first(self._db, query.with_for_update() if lock else query)
        return record(Notice, row) if row else None

    async def due(self, now: datetime, limit: int) -> list[str]:
        rows = await self._db.execute(
            sa.select(n.c.id)
            .where(n.c.state.in_(_TO_SEND), n.c.next_at <= now)
            .order_by(n.c.next_at, n.c.id)
            .limit(limit)
        )
        return [str(row.id) for row in rows]

    async def begin(self, notice_id: str, *, now: datetime, lease_until: datetime) -> Notice | None:
        # The row of before is read by the update itself: two senders can't both take it.
        row = await first(
            self._db,
            n.update()
            .where(n.c.id == notice_id, n.c.state.in_(_TO_SEND), n.c.next_at <= now)
            .values(
                state="sending",
                next_at=lease_until,
                tries=n.c.tries + 1,
                maybe_twice=sa.or_(n.c.maybe_twice, n.c.state == "sending"),
            )
            .returning(n),
        )
        return record(Notice, row) if row else None

    async def settle(
        self,
        notice_id: str,
        *,
        state: str,
        at: datetime,
        result: str,
        simulated: bool,
        provider_id: str | None = None,
    ) -> None:
        await self._db.execute(
            n.update()
            .where(n.c.id == notice_id)
            .values(
                state=state,
                settled_at=at,
                next_at=None,
                result=result[:_DETAIL_CHARS],
                simulated=simulated,
                provider_id=provider_id,
            )
        )

    async def retry(self, notice_id: str, *, next_at: datetime, result: str) -> None:
        await self._db.execute(
            n.update()
            .where(n.c.id == notice_id)
            .values(state="queued", next_at=next_at, result=result[:_DETAIL_CHARS])
        )

    async def note_report(self, notice_id: str, *, report: str, detail: str, at: datetime) -> None:
        await self._db.execute(
            n.update()
            .where(n.c.id == notice_id)
            .values(report=report, report_detail=detail[:_DETAIL_CHARS], reported_at=at)
        )

    async def newest(self, limit: int) -> list[Notice]:
        rows = await self._db.execute(
            sa.select(n).order_by(n.c.created_at.desc(), n.c.id.desc()).limit(limit)
        )
        return [record(Notice, row) for row in rows.mappings()]

    async def by_dedup_prefix(self, prefix: str) -> list[Notice]:
        rows = await self._db.execute(
            sa.select(n).where(n.c.dedup_key.startswith(prefix, autoescape=True)).order_by(n.c.created_at)
        )
        return [record(Notice, row) for row in rows.mappings()]
