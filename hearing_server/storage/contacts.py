"""Contacts, wishes and consents to electronic service in SQL."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.kernel import CaseId, PersonId
from hearing_server.ports.contacts import Contact, ServiceConsent
from hearing_server.storage.rows import first, insert, record, upsert
from hearing_server.storage.tables.progress import contacts as c
from hearing_server.storage.tables.progress import notice_wishes as w
from hearing_server.storage.tables.progress import service_consents as s


class SqlContacts:
    """`ports.contacts.Contacts` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, contact: Contact) -> None:
        await insert(self._db, c, contact)

    async def get(self, contact_id: str) -> Contact | None:
        row = await first(self._db, sa.select(c).where(c.c.id == contact_id))
        return record(Contact, row) if row else None

    async def of_people(self, person_ids: list[PersonId]) -> list[Contact]:
        if not person_ids:
            return []
        rows = await self._db.execute(
            sa.select(c)
            .where(c.c.person_id.in_(set(person_ids)), c.c.ended_at.is_(None))
            .order_by(c.c.created_at, c.c.id)
        )
        return [record(Contact, row) for row in rows.mappings()]

    async def same(self, person_id: PersonId, channel: str, address_index: str) -> Contact | None:
        row = await first(
            self._db,
            sa.select(c).where(
                c.c.person_id == person_id,
                c.c.channel == channel,
                c.c.address_index == address_index,
                c.c.ended_at.is_(None),
            ),
        )
        return record(Contact, row) if row else None

    async def confirm(self, contact_id: str, at: datetime) -> None:
        await self._db.execute(
            c.update().where(c.c.id == contact_id, c.c.confirmed_at.is_(None)).values(confirmed_at=at)
        )

    async def end(self, contact_id: str, at: datetime) -> None:
        await self._db.execute(
            c.update().where(c.c.id == contact_id, c.c.ended_at.is_(None)).values(ended_at=at)
        )

    async def note_proof(self, contact_id: str, at: datetime) -> None:
        await self._db.execute(c.update().where(c.c.id == contact_id).values(last_proof_at=at))

    async def wishes(self, person_ids: list[PersonId]) -> dict[PersonId, dict[str, bool]]:
        if not person_ids:
            return {}
        rows = await self._db.execute(sa.select(w).where(w.c.person_id.in_(set(person_ids))))
        return {PersonId(row["person_id"]): dict(row["wishes"]) for row in rows.mappings()}

    async def save_wishes(self, person_id: PersonId, wishes: dict[str, bool]) -> None:
        new = upsert(self._db, w).values(person_id=person_id, wishes=wishes)
        await self._db.execute(
            new.on_conflict_do_update(index_elements=["person_id"], set_={"wishes": new.excluded.wishes})
        )

    async def add_consent(self, consent: ServiceConsent) -> None:
        await insert(self._db, s, consent)

    async def consents(self, case_id: CaseId) -> dict[PersonId, ServiceConsent]:
        rows = await self._db.execute(sa.select(s).where(s.c.case_id == case_id).order_by(s.c.at))
        found = [record(ServiceConsent, row) for row in rows.mappings()]
        return {consent.person_id: consent for consent in found}
