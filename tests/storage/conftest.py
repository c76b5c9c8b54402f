"""Every storage test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hearing_server.adapters.bus import MemoryBus
from hearing_server.storage.schema import bring_up_to_date
from hearing_server.storage.unit_of_work import SqlUnits
from tests.storage.databases import DIALECTS, fresh_engine, postgresql  # noqa: F401
from tests.unit.court_pieces import profile


@pytest.fixture(params=DIALECTS)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty database."""
    async with fresh_engine(request.param, tmp_path, request) as opened:
        yield opened


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
async def units(engine: AsyncEngine, bus: MemoryBus) -> SqlUnits:
    """Units on a migrated database that knows its court."""
    await bring_up_to_date(engine)
    opened = SqlUnits(engine, bus)
    async with opened.write() as unit:
        await unit.people.add_court(profile().court)
    return opened
