"""Cases, docket and number counters in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.errors import Conflict
from hearing_server.filing.case_number import parse
from hearing_server.filing.cases import (
    Authority,
    Case,
    CaseState,
    Court,
    Openness,
    Party,
    PartyKind,
    PersonRef,
    Procedure,
    Representation,
    Standing,
)
from hearing_server.filing.closed_doors import ClosedDoors
from hearing_server.filing.docket import DocketEntry, DocketKind
from hearing_server.kernel import CaseId, CourtId, PartyId, PersonId
from hearing_server.storage.case_shelf import UnitShelf
from hearing_server.storage.rows import first, insert, record, upsert
from hearing_server.storage.tables import cases as t
from hearing_server.storage.tables.people import courts, persons

_DOORS = TypeAdapter(ClosedDoors)


class SqlCases:
    """`ports.cases.Cases` on one connection."""

    def __init__(self, connection: AsyncConnection, shelf: UnitShelf) -> None:
        self._db = connection
        self._shelf = shelf

    async def add(self, case: Case) -> None:
        row = {
            "id": case.id,
            "court_id": case.court.id,
            "number": str(case.number),
            "cause": case.cause,
            "procedure": case.procedure.value,
            "openness": case.openness.value,
            "closed_doors": _document(case.closed_doors),
            "state": case.state.value,
            "judge_id": case.judge.id if case.judge else None,
            "clerk_id": case.clerk.id if case.clerk else None,
            "filed_at": case.filed_at,
        }
        try:
            await self._db.execute(t.cases.insert().values(**row))
        except IntegrityError as error:
            raise Conflict(
                "case.number_taken", zh="案号已被使用", en="This case number has been used already"
            ) from error
        for party in case.parties:
            await self.add_party(case.id, party)

    async def get(self, case_id: CaseId, *, lock: bool = False) -> Case | None:
        query = sa.select(t.cases).where(t.cases.c.id == case_id)
        # Not the key: rows that only refer to the case are written meanwhile, or both would wait for each other.
        found = await self._load(query.with_for_update(key_share=True) if lock else query)
        return found[0] if found else None

    async def by_number(self, court_id: CourtId, number: str) -> Case | None:
        found = await self._load(
            sa.select(t.cases).where(t.cases.c.court_id == court_id, t.cases.c.number == number)
        )
        return found[0] if found else None

    async def of_person(self, person_id: PersonId) -> list[Case]:
        return await self._load(sa.select(t.cases).where(of_person(person_id)).order_by(t.cases.c.id.desc()))

    async def of_court(self, court_id: CourtId, *, limit: int = 500) -> list[Case]:
        return await self._load(
            sa.select(t.cases)
            .where(t.cases.c.court_id == court_id)
            .order_by(t.cases.c.id.desc())
            .limit(limit)
        )

    async def close_doors(self, case_id: CaseId, doors: ClosedDoors) -> None:
        await raise_revisions(self._db, self._shelf, t.cases.c.id == case_id)
        await self._db.execute(
            t.cases.update()
            .where(t.cases.c.id == case_id)
            .values(openness=Openness.CLOSED.value, closed_doors=_document(doors))
        )

    async def add_party(self, case_id: CaseId, party: Party) -> None:
        await raise_revisions(self._db, self._shelf, t.cases.c.id == case_id)
        await self._db.execute(
            t.parties.insert().values(
                id=party.id,
                case_id=case_id,
                person_id=party.person.id,
                kind=party.kind.value,
                standing=party.standing.value,
                ordinal=party.ordinal,
                joined_at=self._now(),
            )
        )
        for agent in party.representatives:
            await self.add_representative(case_id, party.id, agent)

    async def add_representative(self, case_id: CaseId, party_id: PartyId, agent: Representation) -> None:
        await raise_revisions(self._db, self._shelf, t.cases.c.id == case_id)
        await self._db.execute(
            t.representatives.insert().values(
                id=agent.id,
                case_id=case_id,
                party_id=party_id,
                person_id=agent.person.id,
                authority=agent.authority.value,
                joined_at=self._now(),
            )
        )

    async def end_representation(self, agent_id: PartyId, *, now: datetime) -> None:
        row = t.representatives.c.id == agent_id
        of_agent = sa.select(t.representatives.c.case_id).where(row)
        await raise_revisions(self._db, self._shelf, t.cases.c.id.in_(of_agent))
        await self._db.execute(t.representatives.update().where(row).values(left_at=now))

    def _now(self) -> sa.ColumnElement[datetime]:
        return sa.func.now() if self._db.dialect.name == "postgresql" else sa.func.current_timestamp()

    async def next_serial(self, court_id: CourtId, year: int, type_code: str) -> int:
        await self.raise_serial(court_id, year, type_code, 0)
        counters = t.case_number_counters
        row = await first(
            self._db,
            counters.update()
            .where(
                counters.c.court_id == court_id, counters.c.year == year, counters.c.type_code == type_code
            )
            .values(last_serial=counters.c.last_serial + 1)
            .returning(counters.c.last_serial),
        )
        assert row is not None
        return int(row["last_serial"])

    async def raise_serial(self, court_id: CourtId, year: int, type_code: str, serial: int) -> None:
        counters = t.case_number_counters
        new = upsert(self._db, counters).values(
            court_id=court_id, year=year, type_code=type_code, last_serial=serial
        )
        await self._db.execute(
            new.on_conflict_do_update(
                index_elements=["court_id", "year", "type_code"],
                set_={"last_serial": new.excluded.last_serial},
                where=counters.c.last_serial < new.excluded.last_serial,
            )
        )

    async def next_docket_seq(self, case_id: CaseId) -> int:
        # The case's row is the lock of its docket, so that two entries never take one number.
        await self._db.execute(
            sa.select(t.cases.c.id).where(t.cases.c.id == case_id).with_for_update(key_share=True)
        )
        entries = t.docket_entries
        last = await self._db.scalar(
            sa.select(sa.func.max(entries.c.seq)).where(entries.c.case_id == case_id)
        )
        return int(last or 0) + 1

    async def add_docket(self, entry: DocketEntry) -> None:
        await insert(self._db, t.docket_entries, entry)

    async def docket(self, case_id: CaseId) -> list[DocketEntry]:
        entries = t.docket_entries
        rows = await self._db.execute(
            sa.select(entries).where(entries.c.case_id == case_id).order_by(entries.c.seq)
        )
        return [record(DocketEntry, row, kind=DocketKind(row["kind"])) for row in rows.mappings()]

    async def _load(self, statement: sa.Select[tuple[object, ...]]) -> list[Case]:
        """Whole aggregates for the rows of `statement`, in its order; four queries more for those not on the shelf."""
        rows = (await self._db.execute(statement)).mappings().all()
        known = {row["id"]: self._shelf.find(row["id"], row["revision"]) for row in rows}
        fresh = await self._read([row for row in rows if known[row["id"]] is None])
        for row in rows:
            if row["id"] in fresh:
                self._shelf.keep(fresh[row["id"]], row["revision"])
        return [known[row["id"]] or fresh[row["id"]] for row in rows]

    async def _read(self, rows: Sequence[sa.RowMapping]) -> dict[str, Case]:
        if not rows:
            return {}
        ids = [row["id"] for row in rows]
        parties = (
            (
                await self._db.execute(
                    sa.select(t.parties)
                    .where(t.parties.c.case_id.in_(ids), t.parties.c.left_at.is_(None))
                    .order_by(t.parties.c.joined_at, t.parties.c.id)
                )
            )
            .mappings()
            .all()
        )
        agents = (
            (
                await self._db.execute(
                    sa.select(t.representatives)
                    .where(t.representatives.c.case_id.in_(ids), t.representatives.c.left_at.is_(None))
                    .order_by(t.representatives.c.id)
                )
            )
            .mappings()
            .all()
        )
        people = await self._people(
            {r[name] for r in rows for name in ("judge_id", "clerk_id")}
            | {r["person_id"] for r in (*parties, *agents)}
        )
        court_rows = await self._db.execute(
            sa.select(courts).where(courts.c.id.in_({row["court_id"] for row in rows}))
        )
        by_court = {row["id"]: record(Court, row) for row in court_rows.mappings()}
        return {row["id"]: _case(row, by_court[row["court_id"]], parties, agents, people) for row in rows}

    async def _people(self, ids: set[str | None]) -> dict[str, PersonRef]:
        rows = await self._db.execute(sa.select(persons).where(persons.c.id.in_({i for i in ids if i})))
        return {
            row["id"]: PersonRef(PersonId(row["id"]), row["name"], row["phone_masked"], row["id_masked"])
            for row in rows.mappings()
        }


def of_person(person_id: PersonId) -> sa.ColumnElement[bool]:
    """Cases that somebody is on, in whatever place."""
    as_party = sa.select(t.parties.c.case_id).where(
        t.parties.c.person_id == person_id, t.parties.c.left_at.is_(None)
    )
    as_agent = sa.select(t.representatives.c.case_id).where(
        t.representatives.c.person_id == person_id, t.representatives.c.left_at.is_(None)
    )
    return sa.or_(
        t.cases.c.judge_id == person_id,
        t.cases.c.clerk_id == person_id,
        t.cases.c.id.in_(as_party),
        t.cases.c.id.in_(as_agent),
    )


async def raise_revisions(db: AsyncConnection, shelf: UnitShelf, which: sa.ColumnElement[bool]) -> None:
    """These cases are about to change: copies of them hold no longer."""
    shelf.close()
    await db.execute(t.cases.update().where(which).values(revision=t.cases.c.revision + 1))


def _case(
    row: sa.RowMapping,
    court: Court,
    parties: Sequence[sa.RowMapping],
    agents: Sequence[sa.RowMapping],
    people: dict[str, PersonRef],
) -> Case:
    return Case(
        id=CaseId(row["id"]),
        court=court,
        number=parse(row["number"]),
        cause=row["cause"],
        procedure=Procedure(row["procedure"]),
        openness=Openness(row["openness"]),
        state=CaseState(row["state"]),
        filed_at=row["filed_at"],
        judge=people.get(row["judge_id"]),
        clerk=people.get(row["clerk_id"]),
        parties=tuple(_party(p, agents, people) for p in parties if p["case_id"] == row["id"]),
        closed_doors=_DOORS.validate_python(row["closed_doors"]) if row["closed_doors"] else None,
    )


def _document(doors: ClosedDoors | None) -> object:
    return sa.null() if doors is None else _DOORS.dump_python(doors, mode="json")


def _party(row: sa.RowMapping, agents: Sequence[sa.RowMapping], people: dict[str, PersonRef]) -> Party:
    return Party(
        id=PartyId(row["id"]),
        person=people[row["person_id"]],
        kind=PartyKind(row["kind"]),
        standing=Standing(row["standing"]),
        ordinal=row["ordinal"],
        representatives=tuple(
            Representation(PartyId(a["id"]), people[a["person_id"]], Authority(a["authority"]))
            for a in agents
            if a["party_id"] == row["id"]
        ),
    )
