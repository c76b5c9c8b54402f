"""Broadcasts as documents beside the columns that are searched."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

broadcasts = sa.Table(
    "broadcasts",
    metadata,
    key(),
    ref("hearing_id", "hearings.id"),
    word("state"),
    sa.Column("case_number", sa.String(120), nullable=False),
    sa.Column("held_on", sa.Date, nullable=False),
    moment("submitted_at"),
    sa.Column("document", sa.JSON, nullable=False),
)
