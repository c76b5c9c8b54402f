"""The filing core's tables: cases, parties, representatives, docket, and the counters of case numbers."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

cases = sa.Table(
    "cases",
    metadata,
    key(),
    ref("court_id", "courts.id"),
    sa.Column("number", sa.String(64), nullable=False),
    sa.Column("cause", sa.String(200), nullable=False),
    word("procedure"),
    word("openness"),
    # The order that closed it: ground, reason, request, by, at.
    sa.Column("closed_doors", sa.JSON),
    word("state"),
    ref("judge_id", "persons.id", nullable=True),
    ref("clerk_id", "persons.id", nullable=True),
    moment("filed_at"),
    # Rises with every change of the case, its parties and their agents: whether a copy of it still holds.
    sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
    # A number is never used twice, not even after a case was struck out.
    sa.UniqueConstraint("court_id", "number"),
)

parties = sa.Table(
    "parties",
    metadata,
    key(),
    ref("case_id", "cases.id"),
    ref("person_id", "persons.id"),
    word("kind"),
    word("standing"),
    sa.Column("ordinal", sa.Integer, nullable=False),
    moment("joined_at"),
    moment("left_at", nullable=True),
    sa.UniqueConstraint("case_id", "standing", "ordinal"),
)

representatives = sa.Table(
    "representatives",
    metadata,
    key(),
    ref("case_id", "cases.id"),
    ref("party_id", "parties.id"),
    ref("person_id", "persons.id"),
    word("authority"),
    moment("joined_at"),
    moment("left_at", nullable=True),
)

docket_entries = sa.Table(
    "docket_entries",
    metadata,
    ref("case_id", "cases.id", index=False),
    sa.Column("seq", sa.Integer, nullable=False),
    word("kind", 48),
    sa.Column("title", sa.String(300), nullable=False),
    sa.Column("title_en", sa.String(300), nullable=False),
    moment("at"),
    sa.Column("actor_name", sa.String(120), nullable=False),
    sa.PrimaryKeyConstraint("case_id", "seq"),
)

case_number_counters = sa.Table(
    "case_number_counters",
    metadata,
    ref("court_id", "courts.id", index=False),
    sa.Column("year", sa.Integer, nullable=False),
    word("type_code", 16),
    sa.Column("last_serial", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("court_id", "year", "type_code"),
)
