"""Searching in SQL: one table of texts in normal form, looked through case by case.

No word index: a person searches the cases they stand on, whose texts are a few megabytes each, and a run of characters
is what both databases find without an extension, Chinese included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.case_space.attachments import AttachmentState
from hearing_server.kernel import AttachmentId, ExhibitId, LaneId
from hearing_server.ports.search import Cursor, Found, Scope, SearchEntry, Source
from hearing_server.storage.rows import record, upsert, values
from hearing_server.storage.tables.exhibits import exhibits
from hearing_server.storage.tables.search import search_entries, search_marks
from hearing_server.storage.tables.space import attachments, lanes


class SqlSearch:
    """`ports.search.SearchIndex` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def put(self, entry: SearchEntry) -> None:
        row = values(entry)
        newer = {name: row[name] for name in ("case_id", "at", "words")}
        new = upsert(self._db, search_entries).values(**row)
        await self._db.execute(
            new.on_conflict_do_update(index_elements=["source", "subject", "part"], set_=newer)
        )

    async def forget(self, source: Source, subject: str, part: int | None = None) -> None:
        t = search_entries
        gone = t.delete().where(t.c.source == source.value, t.c.subject == subject)
        await self._db.execute(gone if part is None else gone.where(t.c.part == part))

    async def mark(self, source: Source, subject: str, upto: int) -> None:
        new = upsert(self._db, search_marks).values(source=source.value, subject=subject, upto=upto)
        await self._db.execute(
            new.on_conflict_do_update(index_elements=["source", "subject"], set_={"upto": upto})
        )

    async def lanes_behind(self, limit: int) -> list[tuple[LaneId, int]]:
        upto = sa.func.coalesce(search_marks.c.upto, 0)
        query = sa.select(lanes.c.id, upto).select_from(_marked(lanes, Source.MESSAGE))
        rows = await self._db.execute(query.where(lanes.c.head_seq > upto).limit(limit))
        return [(LaneId(lane), int(seq)) for lane, seq in rows]

    async def files_behind(self, limit: int) -> list[AttachmentId]:
        query = sa.select(attachments.c.id).select_from(_marked(attachments, Source.DOCUMENT))
        is_new = search_marks.c.upto.is_(None)
        rows = await self._db.execute(
            query.where(attachments.c.state == AttachmentState.READY.value, is_new).limit(limit)
        )
        return [AttachmentId(row[0]) for row in rows]

    async def exhibits_behind(self, limit: int) -> list[ExhibitId]:
        upto = sa.func.coalesce(search_marks.c.upto, 0)
        query = sa.select(exhibits.c.id).select_from(_marked(exhibits, Source.EXHIBIT))
        rows = await self._db.execute(query.where(exhibits.c.revision > upto).limit(limit))
        return [ExhibitId(row[0]) for row in rows]

    async def find(
        self, scope: Scope, terms: Sequence[str], *, before: Cursor | None, limit: int
    ) -> list[Found]:
        t = search_entries
        holds = sa.func.instr if self._db.dialect.name == "sqlite" else sa.func.strpos
        # A text of a lane that isn't theirs is not even looked at.
        is_theirs = sa.or_(t.c.source != Source.MESSAGE.value, t.c.subject.in_(scope.lane_ids))
        query = (
            sa.select(t)
            .where(t.c.case_id.in_(scope.case_ids), t.c.source.in_([one.value for one in scope.sources]))
            .where(is_theirs, *(holds(t.c.words, term) > 0 for term in terms))
            .order_by(t.c.at.desc(), t.c.source.desc(), t.c.subject.desc(), t.c.part.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(_is_before(before))
        rows = (await self._db.execute(query)).mappings()
        return [record(Found, row, source=Source(row["source"])) for row in rows]


def _marked(table: sa.Table, source: Source) -> sa.Join:
    """The rows of a table with the mark of each, where there is one."""
    is_its_mark = sa.and_(search_marks.c.source == source.value, search_marks.c.subject == table.c.id)
    return table.outerjoin(search_marks, is_its_mark)


def _is_before(cursor: Cursor) -> sa.ColumnElement[Any]:
    """Behind the cursor in the order of `find`."""
    t, (at, *rest) = search_entries, cursor
    return sa.or_(
        t.c.at < at,
        sa.and_(t.c.at == at, sa.tuple_(t.c.source, t.c.subject, t.c.part) < sa.tuple_(*rest)),
    )
