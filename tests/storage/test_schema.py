"""Migrations: they make what the code believes in, on both dialects, up, down and up again, whole or not at all."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import AsyncEngine

from hearing_server.errors import Unavailable
from hearing_server.storage.schema import bring_up_to_date, migration_config
from hearing_server.storage.tables.base import metadata


def differences(connection: sa.Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def tables(connection: sa.Connection) -> set[str]:
    return set(sa.inspect(connection).get_table_names())


def to_revision(connection: sa.Connection, revision: str) -> None:
    config = migration_config(connection)
    command.downgrade(config, revision) if revision == "base" else command.upgrade(config, revision)


async def test_migrations__run__make_what_the_metadata_says(engine: AsyncEngine) -> None:
    await bring_up_to_date(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(tables) == {*metadata.tables, "alembic_version"}


async def test_migrations__up_down_up__leave_nothing_behind(engine: AsyncEngine) -> None:
    await bring_up_to_date(engine)
    async with engine.begin() as connection:
        await connection.run_sync(to_revision, "base")
        assert await connection.run_sync(tables) == {"alembic_version"}
    await bring_up_to_date(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrations__two_processes_at_once__run_once(engine: AsyncEngine) -> None:
    await asyncio.gather(*(bring_up_to_date(engine) for _ in range(3)))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrations__cut_off_half_way__leave_nothing(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upgrade_and_die(config: Config, revision: str) -> None:
        to_revision_one(config, "r0001")
        raise OSError("power cut")

    to_revision_one = command.upgrade
    monkeypatch.setattr(command, "upgrade", upgrade_and_die)
    with pytest.raises(OSError, match="power cut"):
        await bring_up_to_date(engine)
    monkeypatch.undo()
    async with engine.connect() as connection:
        assert await connection.run_sync(tables) == set()
    await bring_up_to_date(engine)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("CREATE TABLE cases (id INTEGER)", "database.not_ours"),
        ("CREATE TABLE alembic_version (version_num VARCHAR(32))", None),
    ],
)
async def test_migrations__strange_database__is_left_alone(
    engine: AsyncEngine, statement: str, code: str | None
) -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql(statement)
        if code is None:
            await connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('r9999')")
    with pytest.raises(Unavailable) as refused:
        await bring_up_to_date(engine)
    assert refused.value.code == (code or "database.newer")
