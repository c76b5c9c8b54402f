"""Single tracks in SQL."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hearing_server.domain.recording.single_tracks import WAITING, Shown, SingleTrack, TrackKey, TrackState
from hearing_server.kernel import RecordingId
from hearing_server.storage.rows import record, upsert, values
from hearing_server.storage.tables.single_tracks import single_tracks as t

_KEY = ("recording_id", "person_id", "shown")
_WAITING = [state.value for state in WAITING]


class SqlSingleTracks:
    """`ports.single_tracks.SingleTracks` on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._db = connection

    async def get(self, key: TrackKey) -> SingleTrack | None:
        found = await self._many(sa.select(t).where(_is(key)))
        return found[0] if found else None

    async def save(self, track: SingleTrack) -> None:
        row = values(track)
        changed = {name: value for name, value in row.items() if name not in _KEY}
        new = upsert(self._db, t).values(**row)
        await self._db.execute(new.on_conflict_do_update(index_elements=list(_KEY), set_=changed))

    async def of_recording(self, recording_id: RecordingId) -> list[SingleTrack]:
        return await self._many(sa.select(t).where(t.c.recording_id == recording_id))

    async def waiting(self) -> list[SingleTrack]:
        return await self._many(sa.select(t).where(t.c.state.in_(_WAITING)).order_by(t.c.asked_at))

    async def unused_since(self, moment: datetime) -> list[SingleTrack]:
        return await self._many(sa.select(t).where(t.c.asked_at < moment, t.c.state.not_in(_WAITING)))

    async def remove(self, key: TrackKey) -> None:
        await self._db.execute(t.delete().where(_is(key)))

    async def _many(self, query: sa.Select[tuple[object, ...]]) -> list[SingleTrack]:
        rows = await self._db.execute(query)
        return [
            record(SingleTrack, row, shown=Shown(row["shown"]), state=TrackState(row["state"]))
            for row in rows.mappings()
        ]


def _is(key: TrackKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        t.c.recording_id == key.recording_id,
        t.c.person_id == key.person_id,
        t.c.shown == key.shown.value,
    )
