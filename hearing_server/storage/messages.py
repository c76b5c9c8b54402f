"""Amended, mentioned, withheld: `ports.messages.Messages` in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.case_space.messages import LaneEvent
from hearing_server.kernel import AttachmentId, LaneId, PersonId
from hearing_server.ports.messages import Mention
from hearing_server.storage.rows import record, upsert
from hearing_server.storage.space import event_of
from hearing_server.storage.tables.messages import lane_mentions
from hearing_server.storage.tables.space import attachment_uses, lane_events, lane_receipts

# What a badge and a jump need; nobody walks through more.
_MENTIONS_A_LANE = 50


class SqlMessages:
    """`ports.messages.Messages` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def at(self, lane_id: LaneId, seqs: Iterable[int]) -> dict[int, LaneEvent]:
        wanted = sorted(set(seqs))
        if not wanted:
            return {}
        e = lane_events
        rows = await self._db.execute(sa.select(e).where(e.c.lane == lane_id, e.c.seq.in_(wanted)))
        return {event.seq: event for event in map(event_of, rows.mappings())}

    async def amending(self, lane_id: LaneId, seqs: Iterable[int]) -> list[LaneEvent]:
        wanted = sorted(set(seqs))
        if not wanted:
            return []
        e = lane_events
        query = sa.select(e).where(e.c.lane == lane_id, e.c.target_seq.in_(wanted)).order_by(e.c.seq)
        return [event_of(row) for row in (await self._db.execute(query)).mappings()]

    async def was_posted(self, attachment_id: AttachmentId, lane_id: LaneId) -> bool:
        u = attachment_uses
        query = sa.select(u.c.seq).where(u.c.attachment_id == attachment_id, u.c.lane == lane_id)
        return (await self._db.execute(query)).first() is not None

    async def withhold_file(self, attachment_id: AttachmentId, lane_id: LaneId) -> None:
        u = attachment_uses
        await self._db.execute(
            u.update().where(u.c.attachment_id == attachment_id, u.c.lane == lane_id).values(is_withheld=True)
        )

    async def lanes_withholding(self, attachment_id: AttachmentId) -> list[LaneId]:
        u = attachment_uses
        query = sa.select(u.c.lane).where(u.c.attachment_id == attachment_id, u.c.is_withheld)
        return [LaneId(lane) for (lane,) in await self._db.execute(query)]

    async def add_mention(self, mention: Mention) -> None:
        new = upsert(self._db, lane_mentions).values(
            lane=mention.lane, seq=mention.seq, person_id=mention.person_id,
            case_id=mention.case_id, at=mention.at, told_at=mention.told_at,
        )  # fmt: skip
        await self._db.execute(new.on_conflict_do_nothing())

    async def unread_mentions(self, person_id: PersonId, lane_ids: list[LaneId]) -> dict[LaneId, list[int]]:
        if not lane_ids:
            return {}
        m, r = lane_mentions, lane_receipts
        query = (
            sa.select(m.c.lane, m.c.seq)
            .select_from(m.outerjoin(r, sa.and_(r.c.lane == m.c.lane, r.c.person_id == person_id)))
            .where(
                m.c.person_id == person_id,
                m.c.lane.in_(lane_ids),
                m.c.seq > sa.func.coalesce(r.c.read_seq, 0),
            )
            .order_by(m.c.lane, m.c.seq)
        )
        found: dict[LaneId, list[int]] = {}
        for lane, seq in await self._db.execute(query):
            seqs = found.setdefault(LaneId(lane), [])
            if len(seqs) < _MENTIONS_A_LANE:
                seqs.append(int(seq))
        return found

    async def untold_mentions(self, *, until: datetime, limit: int) -> list[Mention]:
        m = lane_mentions
        query = sa.select(m).where(m.c.told_at.is_(None), m.c.at <= until).order_by(m.c.at).limit(limit)
        return [record(Mention, row) for row in (await self._db.execute(query)).mappings()]

    async def settle_mention(self, mention: Mention, *, at: datetime) -> bool:
        m = lane_mentions
        done = await self._db.execute(
            m.update()
            .where(
                m.c.lane == mention.lane,
                m.c.seq == mention.seq,
                m.c.person_id == mention.person_id,
                m.c.told_at.is_(None),
            )
            .values(told_at=at)
        )
        return done.rowcount == 1
