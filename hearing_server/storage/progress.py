"""Nodes of cases in SQL."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.progress.nodes import Node, NodeKind
from hearing_server.kernel import CaseId
from hearing_server.storage.rows import first, record, upsert, values
from hearing_server.storage.tables.progress import case_nodes as n


class SqlProgress:
    """`ports.progress.Progress` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, node: Node) -> bool:
        new = upsert(self._db, n).values(**values(node, facts=dict(node.facts)))
        done = await self._db.execute(new.on_conflict_do_nothing(index_elements=["dedup_key"]))
        return done.rowcount == 1

    async def of_case(self, case_id: CaseId) -> list[Node]:
        rows = await self._db.execute(sa.select(n).where(n.c.case_id == case_id).order_by(n.c.at, n.c.id))
        return [_node(row) for row in rows.mappings()]

    async def unpushed(self, limit: int) -> list[str]:
        rows = await self._db.execute(
            sa.select(n.c.id).where(n.c.pushed_at.is_(None)).order_by(n.c.at, n.c.id).limit(limit)
        )
        return [str(row.id) for row in rows]

    async def begin_push(self, node_id: str, at: datetime) -> Node | None:
        row = await first(
            self._db,
            n.update().where(n.c.id == node_id, n.c.pushed_at.is_(None)).values(pushed_at=at).returning(n),
        )
        return _node(row) if row else None


def _node(row: sa.RowMapping) -> Node:
    return record(Node, row, kind=NodeKind(row["kind"]))
