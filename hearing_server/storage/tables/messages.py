"""What follows from messages: who was mentioned, who asked to be contacted."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

lane_mentions = sa.Table(
    "lane_mentions",
    metadata,
    sa.Column("lane", sa.String(64), sa.ForeignKey("lanes.id"), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("person_id", sa.String(64), sa.ForeignKey("persons.id"), primary_key=True),
    sa.Column("case_id", sa.String(64), sa.ForeignKey("cases.id"), nullable=False),
    moment("at"),
    moment("told_at", nullable=True),
    sa.Index("ix_lane_mentions_person_id_lane", "person_id", "lane"),
    sa.Index("ix_lane_mentions_told_at_at", "told_at", "at"),
)

contact_requests = sa.Table(
    "contact_requests",
    metadata,
    key(),
    ref("case_id", "cases.id"),
    sa.Column("court_id", sa.String(64), sa.ForeignKey("courts.id"), nullable=False),
    ref("asker_id", "persons.id"),
    word("state"),
    moment("asked_at"),
    # When somebody should have answered; None once that is settled or has been told.
    moment("due_at", nullable=True),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Index("ix_contact_requests_court_id_state", "court_id", "state"),
    sa.Index("ix_contact_requests_due_at", "due_at"),
)
