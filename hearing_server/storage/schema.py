"""Bringing a database up to date: migrations in one transaction, never two processes at once."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from hearing_server.errors import Unavailable
from hearing_server.storage.breakdowns import explained
from hearing_server.storage.tables import (
    acts,
    archives,
    broadcasts,
    cases,
    exhibits,
    failures,
    hearings,
    log,
    messages,
    people,
    progress,
    recordings,
    reminders,
    search,
    single_tracks,
    space,
)
from hearing_server.storage.tables.base import metadata

# Named, so that every table is known to the metadata wherever it is used.
TABLES = (
    people,
    cases,
    hearings,
    recordings,
    single_tracks,
    space,
    messages,
    reminders,
    acts,
    log,
    archives,
    broadcasts,
    exhibits,
    failures,
    progress,
    search,
)

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number that no other program takes: whoever migrates holds it until the commit.
_ADVISORY_LOCK = 0x6865_6172
# Another migration may be waited for, a forgotten session's lock not for ever; a large table takes minutes.
_LOCK_TIMEOUT = "30s"
_STATEMENT_TIMEOUT = "30min"


async def bring_up_to_date(engine: AsyncEngine) -> None:
    """Run the migrations that are missing, all or none.

    Errors: Unavailable `database.not_ours` (tables, but no revision), `database.newer` (a newer release was here),
    `database.damaged`, `storage.…`.
    """
    try:
        with explained():
            async with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
                await connection.run_sync(_upgrade)
    except sa.exc.DatabaseError as error:
        if "not a database" not in str(error.orig) and "malformed" not in str(error.orig):
            raise
        raise Unavailable(
            "database.damaged",
            zh="数据库文件已损坏，请从备份恢复",
            en="The database file is damaged; restore it from a backup",
        ) from error


def migration_config(connection: sa.Connection) -> Config:
    """Alembic's configuration on an open connection; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
    config = migration_config(connection)
    script = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(connection).get_current_revision()
    if found == script.get_current_head():
        return
    if found is not None and found not in {revision.revision for revision in script.walk_revisions()}:
        raise Unavailable(
            "database.newer",
            zh="数据库已由更新的版本升级，请使用该版本启动",
            en="The database was brought up to date by a newer release; start that one",
        )
    if found is None and set(sa.inspect(connection).get_table_names()) & set(metadata.tables):
        raise Unavailable(
            "database.not_ours",
            zh="数据库中已有同名的表但没有版本记录，请换一个数据目录或数据库",
            en="The database has tables of these names but no revision; use another data folder or database",
        )
    command.upgrade(config, "head")
