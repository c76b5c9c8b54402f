"""Reminders and obligations: documents beside the columns that are searched."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

reminders = sa.Table(
    "reminders",
    metadata,
    key(),
    ref("case_id", "cases.id"),
    ref("author_id", "persons.id", index=False),
    moment("issued_at"),
    sa.Column("document", sa.JSON, nullable=False),
)

obligations = sa.Table(
    "obligations",
    metadata,
    key(),
    ref("reminder_id", "reminders.id"),
    ref("case_id", "cases.id"),
    ref("person_id", "persons.id"),
    word("state"),
    moment("issued_at"),
    # When the ladder climbs next; null when settled or used up.
    moment("next_at", nullable=True, index=True),
    sa.Column("is_awaiting", sa.Boolean, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
)
