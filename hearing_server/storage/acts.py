"""The act log and the notices outbox in SQL."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.acts import Act, ActKind
from hearing_server.ports.acts import Notice
from hearing_server.storage.rows import first, insert, record, upsert, values
from hearing_server.storage.tables.acts import act_chains, acts, notices


class SqlActs:
    """`ports.acts.Acts` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection
        # Acts of this unit in their order: they get their places in the log right before the commit.
        self.appended: list[str] = []

    async def lock_head(self, chain_id: str) -> tuple[int, str]:
        new = upsert(self._db, act_chains).values(chain_id=chain_id, head_seq=0, head_sha256="")
        await self._db.execute(new.on_conflict_do_nothing())
        row = await first(
            self._db, sa.select(act_chains).where(act_chains.c.chain_id == chain_id).with_for_update()
        )
        assert row is not None
        return int(row["head_seq"]), str(row["head_sha256"])

    async def head(self, chain_id: str) -> tuple[int, str]:
        row = await first(self._db, sa.select(act_chains).where(act_chains.c.chain_id == chain_id))
        return (int(row["head_seq"]), str(row["head_sha256"])) if row is not None else (0, "")

    async def append(self, act: Act) -> None:
        await insert(self._db, acts, act)
        self.appended.append(act.id)
        await self._db.execute(
            act_chains.update()
            .where(act_chains.c.chain_id == act.chain_id)
            .values(head_seq=act.case_seq, head_sha256=act.entry_sha256)
        )

    async def get(self, act_id: str) -> Act | None:
        row = await first(self._db, sa.select(acts).where(acts.c.id == act_id))
        return record(Act, row, kind=ActKind(row["kind"])) if row is not None else None

    async def after(self, chain_id: str, seq: int, limit: int) -> list[Act]:
        rows = await self._db.execute(
            sa.select(acts)
            .where(acts.c.chain_id == chain_id, acts.c.case_seq > seq)
            .order_by(acts.c.case_seq)
            .limit(limit)
        )
        return [record(Act, row, kind=ActKind(row["kind"])) for row in rows.mappings()]


class SqlNotices:
    """`ports.acts.Notices` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, notice: Notice) -> bool:
        new = upsert(self._db, notices).values(**values(notice))
        done = await self._db.execute(new.on_conflict_do_nothing(index_elements=["dedup_key"]))
        return done.rowcount == 1

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> list[Notice]:
        due = (
            sa.select(notices.c.id)
            .where(notices.c.state.in_(("queued", "sending")), notices.c.next_at <= now)
            .order_by(notices.c.next_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = await self._db.execute(
            notices.update()
            .where(notices.c.id.in_(due))
            .values(state="sending", next_at=lease_until, tries=notices.c.tries + 1)
            .returning(notices)
        )
        return [record(Notice, row) for row in rows.mappings()]

    async def settle(self, notice_id: str, *, state: str, at: datetime, result: str, simulated: bool) -> None:
        await self._db.execute(
            notices.update()
            .where(notices.c.id == notice_id)
            .values(state=state, settled_at=at, next_at=None, result=result[:200], simulated=simulated)
        )

    async def retry(self, notice_id: str, *, next_at: datetime, result: str) -> None:
        await self._db.execute(
            notices.update()
            .where(notices.c.id == notice_id)
            .values(state="queued", next_at=next_at, result=result[:200])
        )

    async def newest(self, limit: int) -> list[Notice]:
        rows = await self._db.execute(
            sa.select(notices).order_by(notices.c.created_at.desc(), notices.c.id.desc()).limit(limit)
        )
        return [record(Notice, row) for row in rows.mappings()]

    async def by_dedup_prefix(self, prefix: str) -> list[Notice]:
        rows = await self._db.execute(
            sa.select(notices).where(notices.c.dedup_key.startswith(prefix, autoescape=True))
        )
        return [record(Notice, row) for row in rows.mappings()]
