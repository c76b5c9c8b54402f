"""Hearings in SQL: aggregates as documents, mapped by their dataclasses."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.hearing.hearings import Hearing, HearingState
from hearing_server.errors import Conflict
from hearing_server.filing.cases import Openness
from hearing_server.kernel import CaseId, HearingId
from hearing_server.storage.rows import first
from hearing_server.storage.tables.hearings import hearings as t

_DOCUMENT = TypeAdapter(Hearing)


class SqlHearings:
    """`ports.hearings.Hearings` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, hearing: Hearing) -> None:
        await self._db.execute(t.insert().values(id=hearing.id, case_id=hearing.case_id, **_columns(hearing)))

    async def save(self, hearing: Hearing, *, read_version: int) -> None:
        done = await self._db.execute(
            t.update().where(t.c.id == hearing.id, t.c.version == read_version).values(**_columns(hearing))
        )
        if done.rowcount != 1:
            raise Conflict(
                "hearing.changed_meanwhile",
                zh="庭审状态刚刚有变化，请重试",
                en="The hearing has just changed; please try again",
            )

    async def get(self, hearing_id: HearingId, *, lock: bool = False) -> Hearing | None:
        query = sa.select(t.c.document).where(t.c.id == hearing_id)
        row = await first(self._db, query.with_for_update() if lock else query)
        return _hearing(row) if row else None

    async def of_case(self, case_id: CaseId) -> list[Hearing]:
        return await self._many(sa.select(t.c.document).where(t.c.case_id == case_id).order_by(t.c.starts_at))

    async def of_cases(self, case_ids: list[CaseId]) -> list[Hearing]:
        if not case_ids:
            return []
        return await self._many(
            sa.select(t.c.document).where(t.c.case_id.in_(case_ids)).order_by(t.c.starts_at)
        )

    async def in_states(self, states: tuple[HearingState, ...]) -> list[Hearing]:
        words = [state.value for state in states]
        return await self._many(sa.select(t.c.document).where(t.c.state.in_(words)).order_by(t.c.starts_at))

    async def starting_between(self, start: datetime, end: datetime) -> list[Hearing]:
        return await self._many(
            sa.select(t.c.document).where(t.c.starts_at >= start, t.c.starts_at < end).order_by(t.c.starts_at)
        )

    async def _many(self, query: sa.Select[tuple[object]]) -> list[Hearing]:
        rows = await self._db.execute(query)
        return [_hearing(row) for row in rows.mappings()]


def _columns(hearing: Hearing) -> dict[str, object]:
    return {
        "state": hearing.state.value,
        "openness": (Openness.CLOSED if hearing.closed_doors else Openness.OPEN).value,
        "starts_at": hearing.starts_at,
        "version": hearing.version,
        "document": _DOCUMENT.dump_python(hearing, mode="json"),
    }


def _hearing(row: sa.RowMapping) -> Hearing:
    return _DOCUMENT.validate_python(row["document"])
