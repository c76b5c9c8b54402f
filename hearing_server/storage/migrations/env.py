"""What Alembic runs: on the connection and in the transaction that `storage.schema` opened."""

from __future__ import annotations

from alembic import context

from hearing_server.storage.schema import TABLES
from hearing_server.storage.tables.base import metadata

assert TABLES, "imported, so that the metadata knows every table"

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite alters a table by building it anew.
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
