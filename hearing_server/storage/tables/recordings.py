"""Recordings as documents beside the columns that are searched, and their publications."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

recordings = sa.Table(
    "recordings",
    metadata,
    key(),
    sa.Column("hearing_id", sa.String(64), sa.ForeignKey("hearings.id"), nullable=False, unique=True),
    ref("case_id", "cases.id"),
    word("state"),
    word("film_state"),
    moment("started_at"),
    sa.Column("document", sa.JSON, nullable=False),
)

publications = sa.Table(
    "publications",
    metadata,
    key(),
    ref("recording_id", "recordings.id"),
    word("state"),
    word("copy_state"),
    sa.Column("case_number", sa.String(120), nullable=False),
    sa.Column("held_on", sa.Date, nullable=False, index=True),
    moment("submitted_at", index=True),
    moment("published_at", nullable=True, index=True),
    sa.Column("document", sa.JSON, nullable=False),
)
