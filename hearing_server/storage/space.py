"""Case spaces in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.case_space.amendments import target_seq
from hearing_server.domain.case_space.attachments import Attachment
from hearing_server.domain.case_space.lanes import GENESIS_HASH, Lane, LaneKind, LanePerson
from hearing_server.domain.case_space.messages import EventType, LaneEvent
from hearing_server.domain.case_space.receipts import Receipt
from hearing_server.kernel import AttachmentId, CaseId, LaneId, PersonId, new_id
from hearing_server.storage.attachments import attachment_of
from hearing_server.storage.rows import first, record, upsert
from hearing_server.storage.tables.space import (
    attachment_uses,
    attachments,
    lane_events,
    lane_persons,
    lane_receipts,
    lanes,
    marks,
)


class SqlSpace:
    """`ports.space.Space` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def open_lanes(self, case_id: CaseId, *, now: datetime) -> None:
        for kind in (LaneKind.EVERYONE, LaneKind.BENCH):
            await self._open(case_id, kind.value, title="", now=now)

    async def open_private_lane(
        self, case_id: CaseId, kind: LaneKind, *, slot: str, title: str, now: datetime
    ) -> Lane:
        await self._open(case_id, _stored_kind(kind, slot), title=title, now=now)
        lane = await self.lane_of_case(case_id, kind, slot=slot)
        assert lane is not None, "opened, or there before"
        return lane

    async def _open(self, case_id: CaseId, kind: str, *, title: str, now: datetime) -> None:
        row = {"id": new_id("lan"), "case_id": case_id, "kind": kind, "epoch": 1, "head_seq": 0}
        new = upsert(self._db, lanes).values(**row, title=title, head_hash=GENESIS_HASH, opened_at=now)
        await self._db.execute(new.on_conflict_do_nothing())

    async def close_lane(self, lane_id: LaneId, *, now: datetime) -> None:
        await self._db.execute(lanes.update().where(lanes.c.id == lane_id).values(closed_at=now))

    async def let_in(self, lane_id: LaneId, person: LanePerson, *, now: datetime) -> None:
        new = upsert(self._db, lane_persons).values(
            lane=lane_id, person_id=person.person_id, from_seq=person.from_seq, joined_at=now
        )
        again = {"from_seq": person.from_seq, "joined_at": now, "left_at": None}
        await self._db.execute(
            new.on_conflict_do_update(
                index_elements=["lane", "person_id"], set_=again, where=lane_persons.c.left_at.is_not(None)
            )
        )

    async def let_out(self, lane_id: LaneId, person_id: PersonId, *, now: datetime) -> None:
        t = lane_persons
        await self._db.execute(
            t.update()
            .where(t.c.lane == lane_id, t.c.person_id == person_id, t.c.left_at.is_(None))
            .values(left_at=now)
        )

    async def lane(self, lane_id: LaneId) -> Lane | None:
        found = await self._lanes(sa.select(lanes).where(lanes.c.id == lane_id))
        return found[0] if found else None

    async def lock_lane(self, lane_id: LaneId) -> Lane:
        found = await self._lanes(sa.select(lanes).where(lanes.c.id == lane_id).with_for_update())
        assert found, "a lane is locked only after it was found"
        return found[0]

    async def lane_of_case(self, case_id: CaseId, kind: LaneKind, *, slot: str = "") -> Lane | None:
        query = sa.select(lanes).where(lanes.c.case_id == case_id, lanes.c.kind == _stored_kind(kind, slot))
        found = await self._lanes(query)
        return found[0] if found else None

    async def lanes_of_cases(self, case_ids: list[CaseId]) -> list[Lane]:
        if not case_ids:
            return []
        query = sa.select(lanes).where(lanes.c.case_id.in_(case_ids)).order_by(lanes.c.case_id, lanes.c.id)
        return await self._lanes(query)

    async def _lanes(self, query: sa.Select[tuple[object, ...]]) -> list[Lane]:
        """The lanes of a query over their table; of mediations also who is named there, in one query more."""
        rows = (await self._db.execute(query)).mappings().all()
        named = [row["id"] for row in rows if row["kind"].startswith(LaneKind.MEDIATION.value)]
        persons: dict[str, list[LanePerson]] = {}
        if named:
            t = lane_persons
            inside = (
                sa.select(t)
                .where(t.c.lane.in_(named), t.c.left_at.is_(None))
                .order_by(t.c.joined_at, t.c.person_id)
            )
            for row in (await self._db.execute(inside)).mappings():
                persons.setdefault(row["lane"], []).append(record(LanePerson, row))
        return [_lane(row, tuple(persons.get(row["id"], ()))) for row in rows]

    async def heads(self, lane_ids: list[LaneId]) -> dict[LaneId, int]:
        if not lane_ids:
            return {}
        rows = await self._db.execute(sa.select(lanes.c.id, lanes.c.head_seq).where(lanes.c.id.in_(lane_ids)))
        return {LaneId(lane_id): int(seq) for lane_id, seq in rows}

    async def append(self, lane: Lane, event: LaneEvent, *, request_sha256: bytes | None) -> None:
        await self._db.execute(
            lane_events.insert().values(
                lane=event.lane,
                seq=event.seq,
                event_id=event.event_id,
                case_id=lane.case_id,
                type=event.type.value,
                sender_id=event.sender_id,
                client_id=event.client_id,
                body=dict(event.body),
                server_time=event.server_time,
                prev_hash=event.prev_hash,
                hash=event.hash,
                request_sha256=request_sha256,
                target_seq=target_seq(event),
            )
        )
        await self._db.execute(
            lanes.update()
            .where(lanes.c.id == lane.id)
            .values(head_seq=lane.head_seq, head_hash=lane.head_hash)
        )

    async def posted(
        self, case_id: CaseId, sender_id: PersonId, client_id: str
    ) -> tuple[LaneEvent, bytes] | None:
        row = await first(
            self._db,
            sa.select(lane_events).where(
                lane_events.c.case_id == case_id,
                lane_events.c.sender_id == sender_id,
                lane_events.c.client_id == client_id,
            ),
        )
        return (event_of(row), bytes(row["request_sha256"])) if row else None

    async def events(
        self, lane_id: LaneId, *, after: int = 0, before: int | None = None, limit: int
    ) -> list[LaneEvent]:
        query = sa.select(lane_events).where(lane_events.c.lane == lane_id, lane_events.c.seq > after)
        if before is None:
            query = query.order_by(lane_events.c.seq)
        else:
            query = query.where(lane_events.c.seq < before).order_by(lane_events.c.seq.desc())
        rows = await self._db.execute(query.limit(limit))
        return sorted((event_of(row) for row in rows.mappings()), key=lambda event: event.seq)

    async def receipts(self, lane_ids: list[LaneId]) -> list[Receipt]:
        if not lane_ids:
            return []
        query = sa.select(lane_receipts).where(lane_receipts.c.lane.in_(lane_ids))
        return [record(Receipt, row) for row in (await self._db.execute(query)).mappings()]

    async def receipt(self, lane_id: LaneId, person_id: PersonId) -> Receipt:
        t = lane_receipts
        row = await first(
            self._db, sa.select(t).where(t.c.lane == lane_id, t.c.person_id == person_id).with_for_update()
        )
        return record(Receipt, row) if row else Receipt(lane_id, person_id)

    async def save_receipt(self, receipt: Receipt, *, at: datetime) -> None:
        marks_now = {
            "delivered_seq": receipt.delivered_seq,
            "read_seq": receipt.read_seq,
            "updated_at": at,
        }
        new = upsert(self._db, lane_receipts).values(
            lane=receipt.lane, person_id=receipt.person_id, **marks_now
        )
        await self._db.execute(
            new.on_conflict_do_update(index_elements=["lane", "person_id"], set_=marks_now)
        )

    async def unread(self, person_id: PersonId, floors: Mapping[LaneId, int]) -> dict[LaneId, int]:
        if not floors:
            return {}
        e, r = lane_events, lane_receipts
        late = [sa.and_(e.c.lane == lane, e.c.seq < seq) for lane, seq in floors.items() if seq > 1]
        query = (
            sa.select(e.c.lane, sa.func.count())
            .select_from(e.outerjoin(r, sa.and_(r.c.lane == e.c.lane, r.c.person_id == person_id)))
            .where(
                e.c.lane.in_(list(floors)),
                e.c.seq > sa.func.coalesce(r.c.read_seq, 0),
                sa.not_(sa.or_(sa.false(), *late)),
                sa.or_(e.c.sender_id.is_(None), e.c.sender_id != person_id),
            )
            .group_by(e.c.lane)
        )
        return {LaneId(lane_id): int(count) for lane_id, count in await self._db.execute(query)}

    async def attachment(self, attachment_id: AttachmentId) -> Attachment | None:
        row = await first(self._db, sa.select(attachments).where(attachments.c.id == attachment_id))
        return attachment_of(row) if row else None

    async def note_use(self, attachment_id: AttachmentId, lane_id: LaneId, *, seq: int) -> None:
        new = upsert(self._db, attachment_uses).values(attachment_id=attachment_id, lane=lane_id, seq=seq)
        await self._db.execute(new.on_conflict_do_nothing())

    async def uses(self, attachment_id: AttachmentId) -> list[tuple[Lane, int]]:
        t = attachment_uses
        rows = await self._db.execute(
            sa.select(t.c.lane, t.c.seq).where(t.c.attachment_id == attachment_id, ~t.c.is_withheld)
        )
        first_seq = {lane_id: int(seq) for lane_id, seq in rows}
        if not first_seq:
            return []
        found = await self._lanes(sa.select(lanes).where(lanes.c.id.in_(list(first_seq))))
        return [(lane, first_seq[lane.id]) for lane in found]

    async def mark_once(self, key: str, *, now: datetime) -> bool:
        new = upsert(self._db, marks).values(name=key, at=now)
        return (await self._db.execute(new.on_conflict_do_nothing())).rowcount == 1


def _stored_kind(kind: LaneKind, slot: str) -> str:
    return f"{kind.value}:{slot}" if slot else kind.value


def _lane(row: sa.RowMapping, persons: tuple[LanePerson, ...]) -> Lane:
    kind, _, slot = str(row["kind"]).partition(":")
    return record(
        Lane, row, kind=LaneKind(kind), slot=slot, head_hash=bytes(row["head_hash"]), persons=persons
    )


def event_of(row: sa.RowMapping) -> LaneEvent:
    """A row of `lane_events`."""
    return record(
        LaneEvent,
        row,
        type=EventType(row["type"]),
        prev_hash=bytes(row["prev_hash"]),
        hash=bytes(row["hash"]),
    )
