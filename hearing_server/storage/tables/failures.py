"""Failures of recordings with the statements the judge signs."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref

failures = sa.Table(
    "failures",
    metadata,
    key(),
    ref("recording_id", "recordings.id"),
    ref("hearing_id", "hearings.id"),
    moment("noticed_at"),
    sa.Column("document", sa.JSON, nullable=False),
)
