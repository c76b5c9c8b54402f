"""The log over all acts in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.trust.merkle import HASH_BYTES, CompactRange
from hearing_server.domain.trust.tiles import TileId
from hearing_server.ports.act_log import SignedHead, TimeStamp
from hearing_server.storage.rows import first, record, upsert, values
from hearing_server.storage.tables.acts import acts
from hearing_server.storage.tables.log import (
    ACTS,
    log_checkpoints,
    log_cosignatures,
    log_leaves,
    log_places,
    log_tiles,
    log_time_stamps,
    log_trees,
    sealed_segment_marks,
)


class SqlActLog:
    """`ports.act_log.ActLogStore` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    # --- leaves and tree ---------------------------------------------------------------------

    async def place(self, act_ids: Sequence[str]) -> None:
        """Give these acts the next leaves, in this order. The last thing a unit does before its commit."""
        row = await self._db.execute(
            log_places.update()
            .where(log_places.c.log == ACTS)
            .values(next_index=log_places.c.next_index + len(act_ids))
            .returning(log_places.c.next_index)
        )
        start = int(row.scalar_one()) - len(act_ids)
        await self._db.execute(
            log_leaves.insert(),
            [{"leaf_index": start + place, "act_id": act_id} for place, act_id in enumerate(act_ids)],
        )

    async def next_index(self) -> int:
        found = await self._db.execute(sa.select(log_places.c.next_index).where(log_places.c.log == ACTS))
        return int(found.scalar_one())

    async def index_of(self, act_id: str) -> int | None:
        query = sa.select(log_leaves.c.leaf_index).where(log_leaves.c.act_id == act_id)
        return (await self._db.execute(query)).scalar_one_or_none()

    async def entries(self, first: int, limit: int) -> list[bytes]:
        rows = await self._db.execute(
            sa.select(acts.c.entry)
            .join(log_leaves, log_leaves.c.act_id == acts.c.id)
            .where(log_leaves.c.leaf_index >= first)
            .order_by(log_leaves.c.leaf_index)
            .limit(limit)
        )
        return [bytes(entry) for entry in rows.scalars()]

    async def tree(self) -> CompactRange:
        return await self._tree(sa.select(log_trees))

    async def lock_tree(self) -> CompactRange:
        return await self._tree(sa.select(log_trees).with_for_update())

    async def _tree(self, query: sa.Select[tuple[object, ...]]) -> CompactRange:
        row = await first(self._db, query.where(log_trees.c.log == ACTS))
        assert row is not None
        peaks = bytes(row["peaks"])
        return CompactRange(
            int(row["size"]), tuple(peaks[i : i + HASH_BYTES] for i in range(0, len(peaks), HASH_BYTES))
        )

    async def tiles(self, wanted: Collection[TileId]) -> dict[TileId, bytes]:
        # Row values: a proof needs a handful of tiles, an edge one per level.
        found: dict[TileId, bytes] = {}
        for level in {level for level, _ in wanted}:
            numbers = [number for each, number in wanted if each == level]
            rows = await self._db.execute(
                sa.select(log_tiles).where(log_tiles.c.level == level, log_tiles.c.number.in_(numbers))
            )
            for row in rows.mappings():
                found[level, int(row["number"])] = bytes(row["hashes"])
        return found

    async def save_tree(self, tree: CompactRange, tiles: Mapping[TileId, bytes]) -> None:
        for (level, number), hashes in tiles.items():
            new = upsert(self._db, log_tiles).values(level=level, number=number, hashes=hashes)
            await self._db.execute(
                new.on_conflict_do_update(index_elements=["level", "number"], set_={"hashes": hashes})
            )
        await self._db.execute(
            log_trees.update()
            .where(log_trees.c.log == ACTS)
            .values(size=tree.size, peaks=b"".join(tree.peaks))
        )

    # --- checkpoints -------------------------------------------------------------------------

    async def add_checkpoint(self, head: SignedHead) -> None:
        await self._db.execute(
            upsert(self._db, log_checkpoints).values(**values(head)).on_conflict_do_nothing()
        )

    async def newest_checkpoint(self) -> SignedHead | None:
        return await self._head(sa.select(log_checkpoints).order_by(log_checkpoints.c.size.desc()).limit(1))

    async def checkpoint(self, size: int) -> SignedHead | None:
        return await self._head(sa.select(log_checkpoints).where(log_checkpoints.c.size == size))

    async def best_checkpoint(self, index: int) -> SignedHead | None:
        stamped = (
            sa.select(log_checkpoints)
            .join(log_time_stamps, log_time_stamps.c.size == log_checkpoints.c.size)
            .where(log_checkpoints.c.size > index, log_time_stamps.c.state == "stamped")
            .order_by(log_checkpoints.c.size)
            .limit(1)
        )
        found = await self._head(stamped)
        if found is not None:
            return found
        newest = await self.newest_checkpoint()
        return newest if newest is not None and newest.size > index else None

    async def _head(self, query: sa.Select[tuple[object, ...]]) -> SignedHead | None:
        row = await first(self._db, query)
        return record(SignedHead, row) if row is not None else None

    async def add_cosignature(self, size: int, witness: str, line: str, at: datetime) -> None:
        new = upsert(self._db, log_cosignatures).values(size=size, witness=witness, line=line, at=at)
        await self._db.execute(new.on_conflict_do_nothing())

    async def cosignatures(self, size: int) -> list[str]:
        rows = await self._db.execute(
            sa.select(log_cosignatures.c.line)
            .where(log_cosignatures.c.size == size)
            .order_by(log_cosignatures.c.witness)
        )
        return list(rows.scalars())

    # --- time stamps -------------------------------------------------------------------------

    async def wish_time_stamp(self, size: int, now: datetime) -> bool:
        wish = TimeStamp(size, "queued", 0, asked_at=now, next_at=now)
        new = upsert(self._db, log_time_stamps).values(**values(wish))
        return (await self._db.execute(new.on_conflict_do_nothing())).rowcount == 1

    async def newest_time_stamp(self) -> TimeStamp | None:
        return await self._stamp(sa.select(log_time_stamps).order_by(log_time_stamps.c.size.desc()).limit(1))

    async def time_stamp(self, size: int) -> TimeStamp | None:
        return await self._stamp(sa.select(log_time_stamps).where(log_time_stamps.c.size == size))

    async def _stamp(self, query: sa.Select[tuple[object, ...]]) -> TimeStamp | None:
        row = await first(self._db, query)
        return record(TimeStamp, row) if row is not None else None

    async def due_time_stamps(self, now: datetime, lease_until: datetime, limit: int) -> list[TimeStamp]:
        t = log_time_stamps.c
        due = (
            sa.select(t.size)
            .where(t.state == "queued", t.next_at <= now)
            .order_by(t.size.desc())
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = await self._db.execute(
            log_time_stamps.update()
            .where(t.size.in_(due))
            .values(next_at=lease_until, tries=t.tries + 1)
            .returning(log_time_stamps)
        )
        return [record(TimeStamp, row) for row in rows.mappings()]

    async def save_time_stamp(self, stamp: TimeStamp) -> None:
        await self._db.execute(
            log_time_stamps.update().where(log_time_stamps.c.size == stamp.size).values(**values(stamp))
        )

    # --- recordings --------------------------------------------------------------------------

    async def last_segment(self, recording_id: str, recorder: str) -> int:
        found = await self._db.execute(_mark(recording_id, recorder))
        return int(found.scalar_one_or_none() or 0)

    async def lock_segment(self, recording_id: str, recorder: str) -> int:
        # There must be a row to lock, also for the two who come first.
        new = upsert(self._db, sealed_segment_marks).values(
            recording_id=recording_id, recorder=recorder, last_number=0
        )
        await self._db.execute(new.on_conflict_do_nothing())
        found = await self._db.execute(_mark(recording_id, recorder).with_for_update())
        return int(found.scalar_one())

    async def note_segment(self, recording_id: str, recorder: str, number: int) -> None:
        m = sealed_segment_marks.c
        await self._db.execute(
            sealed_segment_marks.update()
            .where(m.recording_id == recording_id, m.recorder == recorder)
            .values(last_number=number)
        )


def _mark(recording_id: str, recorder: str) -> sa.Select[Any]:
    m = sealed_segment_marks.c
    return sa.select(m.last_number).where(m.recording_id == recording_id, m.recorder == recorder)
