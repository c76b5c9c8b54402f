"""Reminders in SQL."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.reminding.channels import AttemptState
from hearing_server.domain.reminding.reminders import OPEN_STATES, Obligation, Reminder
from hearing_server.kernel import CaseId, ObligationId, PersonId, ReminderId
from hearing_server.storage.rows import first
from hearing_server.storage.tables.reminders import obligations as o
from hearing_server.storage.tables.reminders import reminder_documents as d
from hearing_server.storage.tables.reminders import reminders as r

_REMINDER = TypeAdapter(Reminder)
_OBLIGATION = TypeAdapter(Obligation)
_OPEN = tuple(state.value for state in OPEN_STATES)


class SqlReminders:
    """`ports.reminders.Reminders` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, reminder: Reminder) -> None:
        await self._db.execute(
            r.insert().values(
                id=reminder.id,
                case_id=reminder.case_id,
                author_id=reminder.author_id,
                issued_at=reminder.issued_at,
                document=_REMINDER.dump_python(reminder, mode="json"),
            )
        )

        if reminder.documents:
            rows = [
                {"reminder_id": reminder.id, "kind": one.kind, "document_id": one.id}
                for one in reminder.documents
            ]
            await self._db.execute(d.insert(), rows)

    async def naming(self, kind: str, document_id: str) -> list[Reminder]:
        query = (
            sa.select(r.c.document)
            .join(d, d.c.reminder_id == r.c.id)
            .where(d.c.kind == kind, d.c.document_id == document_id)
            .order_by(r.c.issued_at, r.c.id)
        )
        rows = await self._db.execute(query)
        return [_REMINDER.validate_python(row["document"]) for row in rows.mappings()]

    async def save_reminder(self, reminder: Reminder) -> None:
        document = _REMINDER.dump_python(reminder, mode="json")
        await self._db.execute(r.update().where(r.c.id == reminder.id).values(document=document))

    async def many(self, reminder_ids: list[ReminderId]) -> dict[ReminderId, Reminder]:
        if not reminder_ids:
            return {}
        rows = await self._db.execute(sa.select(r.c.document).where(r.c.id.in_(set(reminder_ids))))
        found = [_REMINDER.validate_python(row["document"]) for row in rows.mappings()]
        return {reminder.id: reminder for reminder in found}

    async def get(self, reminder_id: ReminderId) -> Reminder | None:
        row = await first(self._db, sa.select(r.c.document).where(r.c.id == reminder_id))
        return _REMINDER.validate_python(row["document"]) if row else None

    async def of_case(self, case_id: CaseId) -> list[Reminder]:
        query = (
            sa.select(r.c.document)
            .where(r.c.case_id == case_id)
            .order_by(r.c.issued_at.desc(), r.c.id.desc())
        )
        rows = await self._db.execute(query)
        return [_REMINDER.validate_python(row["document"]) for row in rows.mappings()]

    async def add_obligation(self, obligation: Obligation, *, next_at: datetime | None) -> None:
        await self._db.execute(
            o.insert().values(
                id=obligation.id,
                reminder_id=obligation.reminder_id,
                case_id=obligation.case_id,
                person_id=obligation.person_id,
                issued_at=obligation.issued_at,
                **_columns(obligation, next_at),
            )
        )

    async def save(self, obligation: Obligation, *, next_at: datetime | None) -> None:
        await self._db.execute(
            o.update().where(o.c.id == obligation.id).values(**_columns(obligation, next_at))
        )

    async def obligation(self, obligation_id: ObligationId, *, lock: bool = False) -> Obligation | None:
        query = sa.select(o.c.document).where(o.c.id == obligation_id)
        row = await first(self._db, query.with_for_update() if lock else query)
        return _OBLIGATION.validate_python(row["document"]) if row else None

    async def obligations_of(self, reminder_ids: list[ReminderId]) -> list[Obligation]:
        if not reminder_ids:
            return []
        return await self._many(
            sa.select(o.c.document).where(o.c.reminder_id.in_(reminder_ids)).order_by(o.c.issued_at, o.c.id)
        )

    async def open_of_person(self, person_id: PersonId) -> list[Obligation]:
        return await self._many(
            sa.select(o.c.document)
            .where(o.c.person_id == person_id, o.c.state.in_(_OPEN))
            .order_by(o.c.issued_at, o.c.id)
        )

    async def on_board(self, case_ids: list[CaseId], limit: int) -> list[Obligation]:
        if not case_ids:
            return []
        return await self._many(
            sa.select(o.c.document)
            .where(o.c.case_id.in_(case_ids), sa.or_(o.c.state.in_(_OPEN), o.c.has_task))
            .order_by(o.c.issued_at, o.c.id)
            .limit(limit)
        )

    async def due(self, now: datetime, limit: int) -> list[ObligationId]:
        query = (
            sa.select(o.c.id)
            .where(o.c.next_at <= now, o.c.state.in_(_OPEN))
            .order_by(o.c.next_at)
            .limit(limit)
        )
        return [ObligationId(row.id) for row in await self._db.execute(query)]

    async def awaiting(self, limit: int) -> list[ObligationId]:
        query = sa.select(o.c.id).where(o.c.is_awaiting).order_by(o.c.issued_at.desc()).limit(limit)
        return [ObligationId(row.id) for row in await self._db.execute(query)]

    async def _many(self, query: sa.Select[tuple[object]]) -> list[Obligation]:
        rows = await self._db.execute(query)
        return [_OBLIGATION.validate_python(row["document"]) for row in rows.mappings()]


def _columns(obligation: Obligation, next_at: datetime | None) -> dict[str, object]:
    return {
        "state": obligation.state.value,
        "next_at": next_at,
        "is_awaiting": any(attempt.state is AttemptState.QUEUED for attempt in obligation.attempts),
        "has_task": obligation.has_task,
        "document": _OBLIGATION.dump_python(obligation, mode="json"),
    }
