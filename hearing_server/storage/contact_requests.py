"""Requests for contact in SQL."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.case_space.contact_requests import OPEN_STATES, ContactRequest
from hearing_server.kernel import CaseId, ContactRequestId, CourtId, PersonId
from hearing_server.storage.rows import first
from hearing_server.storage.tables.messages import contact_requests as t

_REQUEST = TypeAdapter(ContactRequest)
_OPEN = tuple(state.value for state in OPEN_STATES)
_OF_CASE = 100


class SqlContactRequests:
    """`ports.contact_requests.ContactRequests` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, request: ContactRequest) -> None:
        await self._db.execute(
            t.insert().values(
                id=request.id,
                case_id=request.case_id,
                court_id=request.court_id,
                asker_id=request.asker_id,
                asked_at=request.asked_at,
                **_columns(request),
            )
        )

    async def save(self, request: ContactRequest) -> None:
        await self._db.execute(t.update().where(t.c.id == request.id).values(**_columns(request)))

    async def get(self, request_id: ContactRequestId, *, lock: bool = False) -> ContactRequest | None:
        query = sa.select(t.c.document).where(t.c.id == request_id)
        row = await first(self._db, query.with_for_update() if lock else query)
        return _REQUEST.validate_python(row["document"]) if row else None

    async def of_case(self, case_id: CaseId, *, asker_id: PersonId | None = None) -> list[ContactRequest]:
        query = sa.select(t.c.document).where(t.c.case_id == case_id)
        if asker_id is not None:
            query = query.where(t.c.asker_id == asker_id)
        return await self._many(query.order_by(t.c.asked_at.desc(), t.c.id.desc()).limit(_OF_CASE))

    async def open_of_court(self, court_id: CourtId, *, limit: int) -> list[ContactRequest]:
        query = sa.select(t.c.document).where(t.c.court_id == court_id, t.c.state.in_(_OPEN))
        found = await self._many(query.order_by(t.c.asked_at, t.c.id).limit(limit))
        return sorted(found, key=lambda request: (request.due_at, request.id))

    async def open_of_cases(self, case_ids: list[CaseId]) -> list[ContactRequest]:
        if not case_ids:
            return []
        query = sa.select(t.c.document).where(t.c.case_id.in_(case_ids), t.c.state.in_(_OPEN))
        return await self._many(query.order_by(t.c.asked_at, t.c.id))

    async def asked_since(self, case_id: CaseId, asker_id: PersonId, *, since: datetime) -> int:
        query = sa.select(sa.func.count()).where(
            t.c.case_id == case_id, t.c.asker_id == asker_id, t.c.asked_at >= since
        )
        return int((await self._db.execute(query)).scalar_one())

    async def due(self, now: datetime, limit: int) -> list[ContactRequestId]:
        query = sa.select(t.c.id).where(t.c.due_at <= now).order_by(t.c.due_at).limit(limit)
        return [ContactRequestId(row.id) for row in await self._db.execute(query)]

    async def _many(self, query: sa.Select[tuple[object]]) -> list[ContactRequest]:
        rows = await self._db.execute(query)
        return [_REQUEST.validate_python(row["document"]) for row in rows.mappings()]


def _columns(request: ContactRequest) -> dict[str, object]:
    return {
        "state": request.state.value,
        "due_at": request.next_at,
        "document": _REQUEST.dump_python(request, mode="json"),
    }
