"""Attachments in SQL: their rows, their text, their pages."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.case_space.attachments import (
    Attachment,
    AttachmentKind,
    AttachmentState,
    PageImage,
    Purpose,
)
from hearing_server.kernel import AttachmentId, CaseId, LaneId, PersonId
from hearing_server.ports.attachments import Held
from hearing_server.storage.rows import first, insert, record, upsert, values
from hearing_server.storage.tables.space import (
    attachment_pages,
    attachment_texts,
    attachment_uses,
    attachments,
)

_LIST_ROWS = 500


class SqlAttachments:
    """`ports.attachments.AttachmentStore` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def add(self, attachment: Attachment) -> None:
        await insert(self._db, attachments, attachment, **_lists(attachment))

    async def get(self, attachment_id: AttachmentId, *, lock: bool = False) -> Attachment | None:
        query = sa.select(attachments).where(attachments.c.id == attachment_id)
        row = await first(self._db, query.with_for_update() if lock else query)
        return attachment_of(row) if row else None

    async def save(self, attachment: Attachment) -> None:
        row = values(attachment, **_lists(attachment))
        await self._db.execute(attachments.update().where(attachments.c.id == attachment.id).values(**row))

    async def remove(self, attachment_id: AttachmentId) -> None:
        await self._db.execute(attachments.delete().where(attachments.c.id == attachment_id))

    async def held(self, case_id: CaseId, person_id: PersonId) -> Held:
        t = attachments
        is_mine = t.c.uploader_id == person_id
        kept = sa.case((t.c.state != AttachmentState.REFUSED.value, t.c.size_bytes), else_=0)
        row = await first(
            self._db,
            sa.select(
                sa.func.sum(
                    sa.case((is_mine & (t.c.state == AttachmentState.UPLOADING.value), 1), else_=0)
                ).label("unfinished"),
                sa.func.sum(sa.case((is_mine, kept), else_=0)).label("person_bytes"),
                sa.func.sum(kept).label("case_bytes"),
            ).where(t.c.case_id == case_id),
        )
        assert row is not None, "an aggregate has a row"
        return Held(*(int(row[name] or 0) for name in ("unfinished", "person_bytes", "case_bytes")))

    async def in_state(self, state: AttachmentState, *, limit: int) -> list[Attachment]:
        query = sa.select(attachments).where(attachments.c.state == state.value)
        return await self._many(query.order_by(attachments.c.uploaded_at, attachments.c.id).limit(limit))

    async def expired(self, *, now: datetime, limit: int) -> list[Attachment]:
        t = attachments
        query = sa.select(t).where(t.c.state == AttachmentState.UPLOADING.value, t.c.expires_at < now)
        return await self._many(query.order_by(t.c.expires_at).limit(limit))

    async def of_case(self, case_id: CaseId, *, uploader_id: PersonId | None = None) -> list[Attachment]:
        query = sa.select(attachments).where(attachments.c.case_id == case_id)
        if uploader_id is not None:
            query = query.where(attachments.c.uploader_id == uploader_id)
        return await self._many(query.order_by(attachments.c.id.desc()).limit(_LIST_ROWS))

    async def lanes_of(self, attachment_id: AttachmentId) -> list[LaneId]:
        uses = attachment_uses
        rows = await self._db.execute(sa.select(uses.c.lane).where(uses.c.attachment_id == attachment_id))
        return [LaneId(lane) for (lane,) in rows]

    async def save_texts(self, attachment_id: AttachmentId, texts: tuple[str, ...]) -> None:
        t = attachment_texts
        await self._db.execute(t.delete().where(t.c.attachment_id == attachment_id))
        rows = [
            {"attachment_id": attachment_id, "page": page, "text": text}
            for page, text in enumerate(texts, start=1)
            if text
        ]
        if rows:
            await self._db.execute(t.insert(), rows)

    async def texts(self, attachment_id: AttachmentId) -> dict[int, str]:
        t = attachment_texts
        query = sa.select(t.c.page, t.c.text).where(t.c.attachment_id == attachment_id).order_by(t.c.page)
        return {int(page): str(text) for page, text in await self._db.execute(query)}

    async def page(self, attachment_id: AttachmentId, page: int) -> PageImage | None:
        t = attachment_pages
        row = await first(self._db, sa.select(t).where(t.c.attachment_id == attachment_id, t.c.page == page))
        return record(PageImage, row) if row else None

    async def save_page(self, page: PageImage) -> None:
        new = upsert(self._db, attachment_pages).values(**values(page))
        await self._db.execute(new.on_conflict_do_nothing())

    async def _many(self, query: sa.Select[tuple[object, ...]]) -> list[Attachment]:
        return [attachment_of(row) for row in (await self._db.execute(query)).mappings()]


def attachment_of(row: sa.RowMapping) -> Attachment:
    """The record of a row."""
    return record(
        Attachment,
        row,
        kind=AttachmentKind(row["kind"]),
        state=AttachmentState(row["state"]),
        purpose=Purpose(row["purpose"]),
        findings=tuple(row["findings"]),
        waveform=tuple(row["waveform"]),
    )


def _lists(attachment: Attachment) -> dict[str, object]:
    return {"findings": list(attachment.findings), "waveform": list(attachment.waveform)}
