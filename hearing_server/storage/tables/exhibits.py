"""Exhibits as documents beside the columns that are searched; who said what of them; the counters of numbers."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

exhibits = sa.Table(
    "exhibits",
    metadata,
    key(),
    ref("case_id", "cases.id"),
    word("series", 64),
    # NULL for drafts; a number is given once and its versions share it.
    sa.Column("number", sa.Integer),
    sa.Column("version", sa.Integer, nullable=False),
    word("state"),
    sa.Column("revision", sa.Integer, nullable=False),
    moment("created_at"),
    sa.Column("document", sa.JSON, nullable=False),
    sa.UniqueConstraint("case_id", "series", "number", "version"),
)

exhibit_files = sa.Table(
    "exhibit_files",
    metadata,
    # The door to a file asks by the file.
    sa.Column("exhibit_id", sa.String(64), sa.ForeignKey("exhibits.id"), primary_key=True),
    sa.Column("attachment_id", sa.String(64), sa.ForeignKey("attachments.id"), primary_key=True, index=True),
)

exhibit_opinions = sa.Table(
    "exhibit_opinions",
    metadata,
    key(),
    ref("exhibit_id", "exhibits.id"),
    ref("case_id", "cases.id"),
    moment("given_at"),
    sa.Column("document", sa.JSON, nullable=False),
)

exhibit_series = sa.Table(
    "exhibit_series",
    metadata,
    sa.Column("case_id", sa.String(64), sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("series", sa.String(64), primary_key=True),
    sa.Column("last_number", sa.Integer, nullable=False),
)

exhibit_terms = sa.Table(
    "exhibit_terms",
    metadata,
    sa.Column("case_id", sa.String(64), sa.ForeignKey("cases.id"), primary_key=True),
    moment("submit_until", nullable=True),
    sa.Column("set_by", sa.String(64), sa.ForeignKey("persons.id")),
    moment("set_at", nullable=True),
)
