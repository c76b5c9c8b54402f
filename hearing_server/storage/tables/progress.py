"""Contacts, wishes and consents of people; nodes of cases."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import UtcDateTime, key, metadata, moment, ref, word

contacts = sa.Table(
    "contacts",
    metadata,
    key(),
    ref("person_id", "persons.id"),
    word("channel"),
    sa.Column("address_sealed", sa.LargeBinary, nullable=False),
    sa.Column("address_index", sa.String(64), nullable=False),
    # What the person sees: a masked address, or the name of a browser.
    sa.Column("label", sa.String(120), nullable=False),
    word("origin"),
    moment("created_at"),
    moment("confirmed_at", nullable=True),
    moment("ended_at", nullable=True),
    moment("last_proof_at", nullable=True),
)

notice_wishes = sa.Table(
    "notice_wishes",
    metadata,
    sa.Column("person_id", sa.String(64), sa.ForeignKey("persons.id"), primary_key=True),
    sa.Column("wishes", sa.JSON, nullable=False),
)

service_consents = sa.Table(
    "service_consents",
    metadata,
    # A later decision is a new row: what was decided before stays known.
    sa.Column("case_id", sa.String(64), sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("person_id", sa.String(64), sa.ForeignKey("persons.id"), primary_key=True),
    sa.Column("at", UtcDateTime(), primary_key=True),
    sa.Column("granted", sa.Boolean, nullable=False),
    word("text_version"),
    sa.Column("text_sha256", sa.String(64), nullable=False),
)

case_nodes = sa.Table(
    "case_nodes",
    metadata,
    key(),
    ref("case_id", "cases.id"),
    word("kind"),
    sa.Column("dedup_key", sa.String(200), nullable=False, unique=True),
    moment("at"),
    sa.Column("actor_id", sa.String(64), nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    # When people were told of it: the notices are rows of the same commit.
    moment("pushed_at", nullable=True, index=True),
)
