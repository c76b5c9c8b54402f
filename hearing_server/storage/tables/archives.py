"""Archive packages: one row per recording, the newest package of each."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import metadata, moment, ref, word

archives = sa.Table(
    "archives",
    metadata,
    sa.Column("recording_id", sa.String(64), sa.ForeignKey("recordings.id"), primary_key=True),
    ref("case_id", "cases.id"),
    word("state"),
    moment("due_at", index=True),
    sa.Column("document", sa.JSON, nullable=False),
)
