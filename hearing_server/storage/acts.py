"""The act log in SQL."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.acts import Act, ActKind
from hearing_server.storage.rows import first, record, upsert, values
from hearing_server.storage.tables.acts import act_chains, acts


class SqlActs:
    """`ports.acts.Acts` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection
        # Acts of this unit in their order: they get their places in the log right before the commit.
        self.appended: list[str] = []
        # Chains locked by this unit: nobody else moves their heads before it ends.
        self._locked: dict[str, tuple[int, str]] = {}

    async def lock_head(self, chain_id: str) -> tuple[int, str]:
        if chain_id in self._locked:
            return self._locked[chain_id]
        query = sa.select(act_chains).where(act_chains.c.chain_id == chain_id).with_for_update()
        row = await first(self._db, query)
        if row is None:
            new = upsert(self._db, act_chains).values(chain_id=chain_id, head_seq=0, head_sha256="")
            await self._db.execute(new.on_conflict_do_nothing())
            row = await first(self._db, query)
        assert row is not None
        self._locked[chain_id] = int(row["head_seq"]), str(row["head_sha256"])
        return self._locked[chain_id]

    def unlock(self) -> None:
        """A part of the unit was undone: the locks it took are gone with it, and so are its acts."""
        self._locked.clear()

    async def head(self, chain_id: str) -> tuple[int, str]:
        row = await first(self._db, sa.select(act_chains).where(act_chains.c.chain_id == chain_id))
        return (int(row["head_seq"]), str(row["head_sha256"])) if row is not None else (0, "")

    async def append(self, act: Act) -> None:
        hearing_id = act.payload.get("hearing_id")
        named = hearing_id if isinstance(hearing_id, str) else None
        await self._db.execute(acts.insert().values(**values(act), hearing_id=named))
        self.appended.append(act.id)
        await self._db.execute(
            act_chains.update()
            .where(act_chains.c.chain_id == act.chain_id)
            .values(head_seq=act.case_seq, head_sha256=act.entry_sha256)
        )
        self._locked[act.chain_id] = act.case_seq, act.entry_sha256

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

    async def of_hearing(self, hearing_id: str, kinds: Iterable[ActKind], limit: int) -> list[Act]:
        rows = await self._db.execute(
            sa.select(acts)
            .where(acts.c.hearing_id == hearing_id, acts.c.kind.in_([kind.value for kind in kinds]))
            .order_by(acts.c.case_seq)
            .limit(limit)
        )
        return [record(Act, row, kind=ActKind(row["kind"])) for row in rows.mappings()]
