"""SQLite statements in one trip to their connection's thread.

The stock adapter makes four for every statement (cursor, execute, fetch, close), and each costs more than what SQLite
does with it: a queue, a wake-up of the thread, a wake-up of the loop. A court's statements are small; all rows come at
once there as well.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util import EMPTY_DICT


@dataclass(slots=True)
class _Done:
    """What is left of a cursor that was read to its end and closed."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    arraysize: int = 1

    def close(self) -> None:
        """It is closed."""


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ()
    _awaitable_cursor_close = False

    def __init__(self, adapt_connection: Any) -> None:
        # Nothing is opened before there is something to run: that is the first of the saved trips.
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._soft_closed_memoized = EMPTY_DICT
        self._cursor: Any = _Done()
        self._rows = deque()

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        await self._trip(_execute, operation, () if parameters is None else parameters)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        await self._trip(_execute_many, operation, seq_of_parameters)

    async def _trip(self, work: Any, operation: Any, parameters: Any) -> None:
        connection: Any = self._connection
        async with self._adapt_connection._execute_mutex:
            self._cursor, rows = await connection._execute(work, connection, operation, parameters)
        self._rows = deque(rows)


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor


class OneTripSqlite(AsyncAdapt_aiosqlite_dbapi):
    """For `create_async_engine(…, module=OneTripSqlite())`."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arg: Any, **kw: Any) -> AsyncAdapt_aiosqlite_connection:
        return _Connection(self, super().connect(*arg, **kw)._connection)


# --- in the connection's thread ------------------------------------------------------------------


def _execute(
    connection: aiosqlite.Connection, operation: str, parameters: Sequence[Any]
) -> tuple[_Done, list[Any]]:
    return _read(connection._conn.execute(operation, parameters))


def _execute_many(
    connection: aiosqlite.Connection, operation: str, many: Sequence[Sequence[Any]]
) -> tuple[_Done, list[Any]]:
    return _read(connection._conn.executemany(operation, many))


def _read(cursor: sqlite3.Cursor) -> tuple[_Done, list[Any]]:
    rows = cursor.fetchall() if cursor.description else []
    done = _Done(cursor.description, cursor.rowcount, cursor.lastrowid)
    cursor.close()
    return done, rows
