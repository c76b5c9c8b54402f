"""Acts of before they were found by their hearing: the migration takes the hearing out of each payload, on both."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from hearing_server.storage.schema import migration_config


def _migrated(connection: Connection) -> list[tuple[str, str | None]]:
    command.upgrade(migration_config(connection), "r0010")
    connection.execute(sa.text("INSERT INTO act_chains VALUES ('cas_1', 3, '')"))
    for number, payload in enumerate(({"hearing_id": "hrg_1"}, {"number": "x"}, {"hearing_id": "hrg_2"})):
        connection.execute(
            sa.text(
                "INSERT INTO acts (id, chain_id, case_seq, kind, at, actor_id, role, payload, salt, entry, "
                "entry_sha256, prev_sha256) VALUES (:id, 'cas_1', :seq, 'hearing.opened', '2026-03-02 10:00:00', "
                "'per_1', 'judge', :payload, :bytes, :bytes, '', '')"
            ),
            {"id": f"act_{number}", "seq": number, "payload": json.dumps(payload), "bytes": b"x"},
        )
    command.upgrade(migration_config(connection), "head")
    rows = connection.execute(sa.text("SELECT id, hearing_id FROM acts ORDER BY case_seq"))
    return [(row.id, row.hearing_id) for row in rows]


async def test_migration__with_acts_of_before__finds_each_hearing(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        rows = await connection.run_sync(_migrated)
    assert rows == [("act_0", "hrg_1"), ("act_1", None), ("act_2", "hrg_2")]
