"""Every storage test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hearing_server.adapters.bus import MemoryBus
from hearing_server.storage.unit_of_work import SqlUnits
from tests.storage.databases import (  # noqa: F401
    DIALECTS,
    fresh_engine,
    migrated_postgresql,
    migrated_sqlite,
    postgresql,
)
from tests.unit.court_pieces import profile


@pytest.fixture(params=DIALECTS)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty database."""
    async with fresh_engine(request.param, tmp_path, request) as opened:
        yield opened


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture(params=DIALECTS)
async def units(request: pytest.FixtureRequest, tmp_path: Path, bus: MemoryBus) -> AsyncIterator[SqlUnits]:
    """Units on a migrated database that knows its court."""
    async with fresh_engine(request.param, tmp_path, request, is_migrated=True) as engine:
        opened = SqlUnits(engine, bus)
        async with opened.write() as unit:
            await unit.people.add_court(profile().court)
        yield opened
