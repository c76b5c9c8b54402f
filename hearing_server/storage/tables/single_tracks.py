"""Single tracks of recordings that somebody asked for."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import metadata, moment, word

single_tracks = sa.Table(
    "single_tracks",
    metadata,
    sa.Column("recording_id", sa.String(64), sa.ForeignKey("recordings.id"), primary_key=True),
    sa.Column("person_id", sa.String(64), sa.ForeignKey("persons.id"), primary_key=True),
    sa.Column("shown", sa.String(32), primary_key=True),
    sa.Column("film_attempt", sa.Integer, nullable=False),
    word("state"),
    sa.Column("progress_permille", sa.Integer, nullable=False),
    word("error", 64, nullable=True),
    # When it was asked for or watched last.
    moment("asked_at", index=True),
)
