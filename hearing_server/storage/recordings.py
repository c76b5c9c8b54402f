"""Recordings and publications in SQL."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.publishing.publications import CopyState, Publication, PublicationState
from hearing_server.domain.recording.recordings import Recording, RecordingState
from hearing_server.filing.cases import Openness
from hearing_server.kernel import CaseId, HearingId, PublicationId, RecordingId
from hearing_server.storage.rows import first
from hearing_server.storage.tables.cases import cases
from hearing_server.storage.tables.hearings import hearings
from hearing_server.storage.tables.recordings import publications as p
from hearing_server.storage.tables.recordings import recordings as r

_RECORDING = TypeAdapter(Recording)
_PUBLICATION = TypeAdapter(Publication)


class SqlRecordings:
    """`ports.recordings.Recordings` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, recording: Recording, case_id: CaseId) -> None:
        await self._db.execute(
            r.insert().values(
                id=recording.id, hearing_id=recording.hearing_id, case_id=case_id, **_columns(recording)
            )
        )

    async def save(self, recording: Recording) -> None:
        await self._db.execute(r.update().where(r.c.id == recording.id).values(**_columns(recording)))

    async def get(self, recording_id: RecordingId) -> Recording | None:
        return await self._one(sa.select(r.c.document).where(r.c.id == recording_id))

    async def of_hearing(self, hearing_id: HearingId) -> Recording | None:
        return await self._one(sa.select(r.c.document).where(r.c.hearing_id == hearing_id))

    async def of_cases(self, case_ids: list[CaseId]) -> list[Recording]:
        if not case_ids:
            return []
        query = sa.select(r.c.document).where(r.c.case_id.in_(case_ids)).order_by(r.c.id.desc())
        return await self._many(query)

    async def in_state(self, state: RecordingState) -> list[Recording]:
        return await self._many(sa.select(r.c.document).where(r.c.state == state.value).order_by(r.c.id))

    async def with_film(self, states: tuple[str, ...]) -> list[Recording]:
        return await self._many(sa.select(r.c.document).where(r.c.film_state.in_(states)).order_by(r.c.id))

    async def add_publication(self, publication: Publication) -> None:
        await self._db.execute(
            p.insert().values(
                id=publication.id,
                recording_id=publication.recording_id,
                submitted_at=publication.submitted_at,
                **_publication_columns(publication),
            )
        )

    async def save_publication(self, publication: Publication) -> None:
        await self._db.execute(
            p.update().where(p.c.id == publication.id).values(**_publication_columns(publication))
        )

    async def publication(self, publication_id: PublicationId, *, lock: bool = False) -> Publication | None:
        query = sa.select(p.c.document).where(p.c.id == publication_id)
        found = await self._publications(query.with_for_update() if lock else query)
        return found[0] if found else None

    async def newest_publication(self, recording_id: RecordingId) -> Publication | None:
        query = sa.select(p.c.document).where(p.c.recording_id == recording_id)
        found = await self._publications(query.order_by(p.c.id.desc()).limit(1))
        return found[0] if found else None

    async def publications(
        self, states: tuple[PublicationState, ...], *, before: datetime | None = None, limit: int = 100
    ) -> list[Publication]:
        query = sa.select(p.c.document).where(p.c.state.in_([state.value for state in states]))
        if before is not None:
            query = query.where(p.c.submitted_at < before)
        return await self._publications(query.order_by(p.c.submitted_at.desc(), p.c.id.desc()).limit(limit))

    async def publications_of_case(self, case_id: CaseId) -> list[Publication]:
        query = sa.select(p.c.document).join(r, r.c.id == p.c.recording_id).where(r.c.case_id == case_id)
        return await self._publications(query.order_by(p.c.id.desc()))

    async def copies_due(self, states: tuple[CopyState, ...]) -> list[Publication]:
        query = sa.select(p.c.document).where(
            p.c.copy_state.in_([state.value for state in states]),
            p.c.state == PublicationState.SUBMITTED.value,
        )
        return await self._publications(query.order_by(p.c.id))

    async def public(
        self, *, number: str, held_on: date | None, before: datetime | None, limit: int
    ) -> list[Publication]:
        query = (
            sa.select(p.c.document)
            .join(r, r.c.id == p.c.recording_id)
            .join(cases, cases.c.id == r.c.case_id)
            .join(hearings, hearings.c.id == r.c.hearing_id)
            .where(
                p.c.state == PublicationState.PUBLIC.value,
                cases.c.openness == Openness.OPEN.value,
                hearings.c.openness == Openness.OPEN.value,
            )
        )
        if number:
            query = query.where(p.c.case_number.contains(number, autoescape=True))
        if held_on is not None:
            query = query.where(p.c.held_on == held_on)
        if before is not None:
            query = query.where(p.c.published_at < before)
        return await self._publications(query.order_by(p.c.published_at.desc(), p.c.id.desc()).limit(limit))

    async def _one(self, query: sa.Select[tuple[object]]) -> Recording | None:
        row = await first(self._db, query)
        return _RECORDING.validate_python(row["document"]) if row else None

    async def _many(self, query: sa.Select[tuple[object]]) -> list[Recording]:
        rows = await self._db.execute(query)
        return [_RECORDING.validate_python(row["document"]) for row in rows.mappings()]

    async def _publications(self, query: sa.Select[tuple[object]]) -> list[Publication]:
        rows = await self._db.execute(query)
        return [_PUBLICATION.validate_python(row["document"]) for row in rows.mappings()]


def _columns(recording: Recording) -> dict[str, object]:
    return {
        "state": recording.state.value,
        "film_state": recording.film.state.value,
        "started_at": recording.started_at,
        "document": _RECORDING.dump_python(recording, mode="json"),
    }


def _publication_columns(publication: Publication) -> dict[str, object]:
    return {
        "state": publication.state.value,
        "copy_state": publication.copy.state.value,
        "case_number": publication.case_number,
        "held_on": publication.held_on,
        "published_at": publication.published_at,
        "document": _PUBLICATION.dump_python(publication, mode="json"),
    }
