"""People, accounts, sessions, codes, invitations in SQL."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.codes import OneTimeCode
from hearing_server.filing.cases import Court
from hearing_server.kernel import CourtId, HearingId, PersonId, Role
from hearing_server.ports.people import Invitation, Person, Session, StaffAccount
from hearing_server.storage.case_shelf import UnitShelf
from hearing_server.storage.cases import of_person, raise_revisions
from hearing_server.storage.rows import first, insert, record, upsert, values
from hearing_server.storage.tables import people as t


def _staff(row: sa.RowMapping) -> StaffAccount:
    return record(StaffAccount, row, role=Role(row["role"]))


def _session(row: sa.RowMapping) -> Session:
    return record(Session, row, role=Role(row["role"]))


class SqlPeople:
    """`ports.people.People` on one connection."""

    def __init__(self, connection: AsyncConnection, shelf: UnitShelf) -> None:
        self._db = connection
        self._shelf = shelf

    async def add_court(self, court: Court) -> None:
        # Two processes may begin together on an empty database.
        await self._db.execute(upsert(self._db, t.courts).values(**values(court)).on_conflict_do_nothing())

    async def court(self, court_id: CourtId) -> Court | None:
        row = await first(self._db, sa.select(t.courts).where(t.courts.c.id == court_id))
        return record(Court, row) if row else None

    async def first_court(self) -> Court | None:
        row = await first(self._db, sa.select(t.courts).order_by(t.courts.c.id).limit(1))
        return record(Court, row) if row else None

    async def add(self, person: Person) -> None:
        await insert(self._db, t.persons, person)

    async def get(self, person_id: PersonId) -> Person | None:
        row = await first(self._db, sa.select(t.persons).where(t.persons.c.id == person_id))
        return record(Person, row) if row else None

    async def many(self, person_ids: list[PersonId]) -> dict[PersonId, Person]:
        if not person_ids:
            return {}
        rows = await self._db.execute(sa.select(t.persons).where(t.persons.c.id.in_(set(person_ids))))
        return {PersonId(row["id"]): record(Person, row) for row in rows.mappings()}

    async def by_id_number(self, court_id: CourtId, index: str) -> Person | None:
        row = await first(
            self._db,
            sa.select(t.persons).where(
                t.persons.c.court_id == court_id, t.persons.c.id_number_index == index
            ),
        )
        return record(Person, row) if row else None

    async def by_phone(self, court_id: CourtId, index: str) -> list[Person]:
        rows = await self._db.execute(
            sa.select(t.persons)
            .where(t.persons.c.court_id == court_id, t.persons.c.phone_index == index)
            .order_by(t.persons.c.id)
        )
        return [record(Person, row) for row in rows.mappings()]

    async def set_phone(self, person_id: PersonId, *, sealed: bytes, index: str, masked: str) -> None:
        # Cases show it masked.
        await raise_revisions(self._db, self._shelf, of_person(person_id))
        await self._db.execute(
            t.persons.update()
            .where(t.persons.c.id == person_id)
            .values(phone_sealed=sealed, phone_index=index, phone_masked=masked)
        )

    async def add_staff(self, account: StaffAccount) -> None:
        await insert(self._db, t.staff_accounts, account)

    async def staff_by_username(self, username: str) -> StaffAccount | None:
        row = await first(
            self._db, sa.select(t.staff_accounts).where(t.staff_accounts.c.username == username)
        )
        return _staff(row) if row else None

    async def staff_account(self, person_id: PersonId) -> StaffAccount | None:
        row = await first(
            self._db, sa.select(t.staff_accounts).where(t.staff_accounts.c.person_id == person_id)
        )
        return _staff(row) if row else None

    async def staff(self, court_id: CourtId) -> list[tuple[Person, StaffAccount]]:
        accounts = await self._db.execute(
            sa.select(t.staff_accounts)
            .join(t.persons, t.persons.c.id == t.staff_accounts.c.person_id)
            .where(t.persons.c.court_id == court_id)
            .order_by(t.staff_accounts.c.username)
        )
        found = [_staff(row) for row in accounts.mappings()]
        people = await self.many([a.person_id for a in found])
        return [(people[a.person_id], a) for a in found]

    async def add_session(self, session: Session) -> None:
        await insert(self._db, t.sessions, session)

    async def session_by_token(self, token_sha256: str) -> Session | None:
        row = await first(self._db, sa.select(t.sessions).where(t.sessions.c.token_sha256 == token_sha256))
        return _session(row) if row else None

    async def session(self, session_id: str) -> Session | None:
        row = await first(self._db, sa.select(t.sessions).where(t.sessions.c.id == session_id))
        return _session(row) if row else None

    async def end_session(self, session_id: str, at: datetime) -> None:
        await self._db.execute(
            t.sessions.update()
            .where(t.sessions.c.id == session_id, t.sessions.c.ended_at.is_(None))
            .values(ended_at=at)
        )

    async def add_ticket(self, ticket_sha256: str, session_id: str, expires_at: datetime) -> None:
        await self._db.execute(
            t.socket_tickets.insert().values(
                ticket_sha256=ticket_sha256, session_id=session_id, expires_at=expires_at
            )
        )

    async def use_ticket(self, ticket_sha256: str, now: datetime) -> str | None:
        row = await first(
            self._db,
            t.socket_tickets.update()
            .where(
                t.socket_tickets.c.ticket_sha256 == ticket_sha256,
                t.socket_tickets.c.used_at.is_(None),
                t.socket_tickets.c.expires_at > now,
            )
            .values(used_at=now)
            .returning(t.socket_tickets.c.session_id),
        )
        return str(row["session_id"]) if row else None

    async def add_code(self, code: OneTimeCode) -> None:
        await insert(self._db, t.one_time_codes, code)

    async def newest_code(self, subject: str, *, lock: bool = False) -> OneTimeCode | None:
        query = (
            sa.select(t.one_time_codes)
            .where(t.one_time_codes.c.subject == subject)
            .order_by(t.one_time_codes.c.created_at.desc(), t.one_time_codes.c.id.desc())
            .limit(1)
        )
        row = await first(self._db, query.with_for_update() if lock else query)
        return record(OneTimeCode, row) if row else None

    async def count_try(self, code_id: str) -> None:
        codes = t.one_time_codes
        await self._db.execute(codes.update().where(codes.c.id == code_id).values(tries=codes.c.tries + 1))

    async def use_code(self, code_id: str, at: datetime) -> bool:
        codes = t.one_time_codes
        done = await self._db.execute(
            codes.update().where(codes.c.id == code_id, codes.c.used_at.is_(None)).values(used_at=at)
        )
        return done.rowcount == 1

    async def add_invitation(self, invitation: Invitation) -> None:
        await insert(self._db, t.invitations, invitation)

    async def invitation_by_token(self, token_sha256: str) -> Invitation | None:
        row = await first(
            self._db, sa.select(t.invitations).where(t.invitations.c.token_sha256 == token_sha256)
        )
        return record(Invitation, row) if row else None

    async def touch_invitation(self, invitation_id: str, at: datetime) -> None:
        await self._db.execute(
            t.invitations.update().where(t.invitations.c.id == invitation_id).values(last_used_at=at)
        )

    async def end_invitations(self, hearing_id: HearingId, person_id: PersonId | None, at: datetime) -> None:
        links = t.invitations
        where = [links.c.hearing_id == hearing_id, links.c.ended_at.is_(None)]
        if person_id is not None:
            where.append(links.c.person_id == person_id)
        await self._db.execute(links.update().where(*where).values(ended_at=at))

    async def count_attempt(self, name: str, *, now: datetime, window_s: int) -> int:
        counters = t.attempt_counters
        is_over = counters.c.since <= now - timedelta(seconds=window_s)
        new = upsert(self._db, counters).values(name=name, since=now, count=1)
        counted = await self._db.execute(
            new.on_conflict_do_update(
                index_elements=["name"],
                set_={
                    "since": sa.case((is_over, new.excluded.since), else_=counters.c.since),
                    "count": sa.case((is_over, 1), else_=counters.c.count + 1),
                },
            ).returning(counters.c.count)
        )
        return int(counted.scalar_one())

    async def attempts(self, name: str, *, now: datetime, window_s: int) -> int:
        counters = t.attempt_counters
        since = now - timedelta(seconds=window_s)
        found = await self._db.scalar(
            sa.select(counters.c.count).where(counters.c.name == name, counters.c.since > since)
        )
        return int(found or 0)

    async def forget_attempts(self, name: str) -> None:
        await self._db.execute(t.attempt_counters.delete().where(t.attempt_counters.c.name == name))
