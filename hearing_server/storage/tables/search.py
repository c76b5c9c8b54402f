"""Texts in normal form for searching; derived, and made again when the table is emptied."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import metadata, moment

search_entries = sa.Table(
    "search_entries",
    metadata,
    sa.Column("source", sa.String(16), primary_key=True),
    sa.Column("subject", sa.String(64), primary_key=True),
    sa.Column("part", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("case_id", sa.String(64), sa.ForeignKey("cases.id"), nullable=False),
    moment("at"),
    sa.Column("words", sa.Text, nullable=False),
    sa.Index("ix_search_entries_case_id_at", "case_id", "at"),
)

search_marks = sa.Table(
    "search_marks",
    metadata,
    sa.Column("source", sa.String(16), primary_key=True),
    sa.Column("subject", sa.String(64), primary_key=True),
    # Of a lane the last event, of an exhibit the revision, of a file 1.
    sa.Column("upto", sa.BigInteger, nullable=False),
)
