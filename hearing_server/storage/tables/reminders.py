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
    # A clerk must still act, be it after the end.
    sa.Column("has_task", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    sa.Column("document", sa.JSON, nullable=False),
)

reminder_documents = sa.Table(
    "reminder_documents",
    metadata,
    sa.Column("reminder_id", sa.String(64), sa.ForeignKey("reminders.id"), primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    # Of many kinds, so no foreign key; looked for when a document changes.
    sa.Column("document_id", sa.String(64), primary_key=True, index=True),
)
