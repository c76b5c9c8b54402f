"""Private names of SQLAlchemy's SQLite adapter and of aiosqlite that storage/one_trip.py leans on; what it saves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiosqlite
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import aiosqlite as adapter

from hearing_server.storage.database import create_engine


def test_names__of_the_adapter__are_there() -> None:
    cursor = adapter.AsyncAdapt_aiosqlite_cursor
    for name in ("_execute_async", "_executemany_async", "_async_soft_close", "_awaitable_cursor_close"):
        assert hasattr(cursor, name), name
    assert {"_adapt_connection", "_connection", "_cursor", "_rows", "_soft_closed_memoized"} <= {
        slot for kind in cursor.__mro__ for slot in getattr(kind, "__slots__", ())
    }
    assert adapter.AsyncAdapt_aiosqlite_connection._cursor_cls is cursor
    for name in ("_execute", "_conn"):
        assert hasattr(aiosqlite.Connection, name), name


async def test_statements__of_every_kind__make_one_trip_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = 0
    stock = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, fn: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal trips
        trips += 1
        return await stock(self, fn, *args, **kwargs)  # type: ignore[no-untyped-call]

    engine = create_engine(f"sqlite+aiosqlite:///{tmp_path / 'one.db'}")
    words = sa.Table(
        "words", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("word", sa.Text)
    )
    async with engine.begin() as db:
        await db.run_sync(words.metadata.create_all)
        monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
        await db.execute(words.insert(), [{"word": "一"}, {"word": "二"}])
        returned = await db.execute(words.insert().values(word="三").returning(words.c.id))
        assert returned.scalar_one() == 3
        changed = await db.execute(words.update().where(words.c.id < 3).values(word="零"))
        assert changed.rowcount == 2
        single = await db.execute(words.insert().values(word="四"))
        assert single.inserted_primary_key == (4,)
        found = await db.execute(sa.select(words).order_by(words.c.id))
        assert [row.word for row in found] == ["零", "零", "三", "四"]
        assert trips == 5
        with pytest.raises(sa.exc.IntegrityError):
            await db.execute(words.insert().values(id=1, word="再"))
    await engine.dispose()
