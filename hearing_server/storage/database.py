"""The engine: SQLite tuned for a court's log, or PostgreSQL; one place that knows the difference."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hearing_server.storage.one_trip import OneTripSqlite

# How long a writer waits for another process's write lock before it gives up, milliseconds.
_BUSY_TIMEOUT_MS = 10_000


def create_engine(database_url: str) -> AsyncEngine:
    """An async engine for `sqlite+aiosqlite://` or `postgresql+asyncpg://`."""
    if database_url.startswith("sqlite"):
        # Readers get connections of their own; WAL lets them read while the one writer writes.
        engine = create_async_engine(
            database_url, pool_size=8, max_overflow=8, hide_parameters=True, module=OneTripSqlite()
        )
        _tune_sqlite(engine)
        return engine
    return create_async_engine(
        database_url,
        pool_size=10,
        max_overflow=10,
        pool_pre_ping=True,
        # An error in the log must not carry the words of a message.
        hide_parameters=True,
        connect_args={"server_settings": {"lock_timeout": "10000", "statement_timeout": "60000"}},
    )


def _tune_sqlite(engine: AsyncEngine) -> None:
    @sa.event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: `begin` below says which kind.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: an acknowledged message or act survives a power cut (NORMAL may lose the last commits).
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # IMMEDIATE takes the write lock first: no upgrade in the middle, so no deadlock between two units.
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")
