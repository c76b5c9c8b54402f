"""Exhibits in SQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.exhibits.exhibits import Exhibit
from hearing_server.domain.exhibits.opinions import Opinion
from hearing_server.kernel import AttachmentId, CaseId, ExhibitId
from hearing_server.ports.exhibits import ExhibitTerms
from hearing_server.storage.rows import first, record, upsert, values
from hearing_server.storage.tables.exhibits import (
    exhibit_files,
    exhibit_opinions,
    exhibit_series,
    exhibit_terms,
)
from hearing_server.storage.tables.exhibits import exhibits as t

_EXHIBIT = TypeAdapter(Exhibit)
_OPINION = TypeAdapter(Opinion)


class SqlExhibits:
    """`ports.exhibits.Exhibits` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, exhibit: Exhibit) -> None:
        await self._db.execute(
            t.insert().values(
                id=exhibit.id, case_id=exhibit.case_id, created_at=exhibit.created_at, **_row(exhibit)
            )
        )
        await self._note_files(exhibit)

    async def get(self, exhibit_id: ExhibitId) -> Exhibit | None:
        row = await first(self._db, sa.select(t.c.document).where(t.c.id == exhibit_id))
        return _EXHIBIT.validate_python(row["document"]) if row else None

    async def save(self, exhibit: Exhibit) -> None:
        await self._db.execute(t.update().where(t.c.id == exhibit.id).values(**_row(exhibit)))
        await self._note_files(exhibit)

    async def discard(self, exhibit_id: ExhibitId) -> None:
        await self._db.execute(exhibit_files.delete().where(exhibit_files.c.exhibit_id == exhibit_id))
        # The number says that it was submitted: such a row is never taken away, whatever the caller believes.
        await self._db.execute(t.delete().where(t.c.id == exhibit_id, t.c.number.is_(None)))

    async def of_case(self, case_id: CaseId) -> list[Exhibit]:
        return await self.of_cases([case_id])

    async def of_cases(self, case_ids: list[CaseId]) -> list[Exhibit]:
        if not case_ids:
            return []
        query = sa.select(t.c.document).where(t.c.case_id.in_(case_ids))
        order = (
            t.c.case_id,
            t.c.number.is_(None),
            t.c.series,
            t.c.number,
            t.c.version,
            t.c.created_at,
            t.c.id,
        )
        return await self._many(query.order_by(*order))

    async def using(self, attachment_id: AttachmentId) -> list[Exhibit]:
        files = exhibit_files.c
        query = sa.select(t.c.document).join(exhibit_files, files.exhibit_id == t.c.id)
        return await self._many(query.where(files.attachment_id == attachment_id).order_by(t.c.id))

    async def next_number(self, case_id: CaseId, series: str) -> int:
        s = exhibit_series
        new = upsert(self._db, s).values(case_id=case_id, series=series, last_number=1)
        risen = new.on_conflict_do_update(
            index_elements=[s.c.case_id, s.c.series], set_={"last_number": s.c.last_number + 1}
        )
        return int((await self._db.execute(risen.returning(s.c.last_number))).scalar_one())

    async def add_opinion(self, opinion: Opinion) -> None:
        row = await first(self._db, sa.select(t.c.case_id).where(t.c.id == opinion.exhibit_id))
        assert row is not None, "an opinion is given on an exhibit that was found"
        await self._db.execute(
            exhibit_opinions.insert().values(
                id=opinion.id, exhibit_id=opinion.exhibit_id, case_id=row["case_id"], given_at=opinion.at,
                document=_OPINION.dump_python(opinion, mode="json"),
            )
        )  # fmt: skip

    async def opinions_of_case(self, case_id: CaseId) -> list[Opinion]:
        return await self.opinions_of_cases([case_id])

    async def opinions_of_cases(self, case_ids: list[CaseId]) -> list[Opinion]:
        if not case_ids:
            return []
        return await self._opinions(exhibit_opinions.c.case_id.in_(case_ids))

    async def opinions_of(self, exhibit_id: ExhibitId) -> list[Opinion]:
        return await self._opinions(exhibit_opinions.c.exhibit_id == exhibit_id)

    async def terms(self, case_id: CaseId) -> ExhibitTerms:
        row = await first(self._db, sa.select(exhibit_terms).where(exhibit_terms.c.case_id == case_id))
        return record(ExhibitTerms, row) if row else ExhibitTerms(case_id)

    async def save_terms(self, terms: ExhibitTerms) -> None:
        row = values(terms)
        new = upsert(self._db, exhibit_terms).values(**row)
        await self._db.execute(new.on_conflict_do_update(index_elements=[exhibit_terms.c.case_id], set_=row))

    async def _note_files(self, exhibit: Exhibit) -> None:
        redacted = [
            decision.redacted.file.attachment_id
            for decision in (exhibit.sealed.decisions if exhibit.sealed else ())
            if decision.redacted is not None
        ]
        ids = {file.attachment_id for file in exhibit.content.files} | set(redacted)
        await self._db.execute(exhibit_files.delete().where(exhibit_files.c.exhibit_id == exhibit.id))
        if ids:
            rows = [{"exhibit_id": exhibit.id, "attachment_id": one} for one in sorted(ids)]
            await self._db.execute(exhibit_files.insert(), rows)

    async def _many(self, query: sa.Select[Any]) -> list[Exhibit]:
        rows = (await self._db.execute(query)).mappings()
        return [_EXHIBIT.validate_python(row["document"]) for row in rows]

    async def _opinions(self, which: sa.ColumnElement[bool]) -> list[Opinion]:
        o = exhibit_opinions
        query = sa.select(o.c.document).where(which).order_by(o.c.given_at, o.c.id)
        return [
            _OPINION.validate_python(row["document"]) for row in (await self._db.execute(query)).mappings()
        ]


def _row(exhibit: Exhibit) -> dict[str, Any]:
    return {
        "series": exhibit.series,
        "number": exhibit.number,
        "version": exhibit.version,
        "state": exhibit.state.value,
        "revision": exhibit.revision,
        "document": _EXHIBIT.dump_python(exhibit, mode="json"),
    }
