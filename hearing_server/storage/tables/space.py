"""Case spaces: lanes with their heads, append-only events, receipts, attachments."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

lanes = sa.Table(
    "lanes",
    metadata,
    key(),
    ref("case_id", "cases.id"),
    word("kind"),
    sa.Column("epoch", sa.Integer, nullable=False),
    # The row lock on the head makes commit order equal sequence order: no reader sees n + 1 before n.
    sa.Column("head_seq", sa.BigInteger, nullable=False),
    sa.Column("head_hash", sa.LargeBinary, nullable=False),
    moment("opened_at"),
    sa.UniqueConstraint("case_id", "kind"),
)

lane_events = sa.Table(
    "lane_events",
    metadata,
    sa.Column("lane", sa.String(64), sa.ForeignKey("lanes.id"), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("event_id", sa.String(64), nullable=False, unique=True),
    sa.Column("case_id", sa.String(64), sa.ForeignKey("cases.id"), nullable=False),
    word("type"),
    sa.Column("sender_id", sa.String(64), sa.ForeignKey("persons.id")),
    sa.Column("client_id", sa.String(64)),
    sa.Column("body", sa.JSON, nullable=False),
    moment("server_time"),
    sa.Column("prev_hash", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    # What was asked for under this client id: a repeat must be the same.
    sa.Column("request_sha256", sa.LargeBinary),
    sa.UniqueConstraint("case_id", "sender_id", "client_id"),
)

lane_receipts = sa.Table(
    "lane_receipts",
    metadata,
    sa.Column("lane", sa.String(64), sa.ForeignKey("lanes.id"), primary_key=True),
    sa.Column("person_id", sa.String(64), sa.ForeignKey("persons.id"), primary_key=True),
    sa.Column("delivered_seq", sa.BigInteger, nullable=False),
    sa.Column("read_seq", sa.BigInteger, nullable=False),
    moment("updated_at"),
)

attachments = sa.Table(
    "attachments",
    metadata,
    key(),
    ref("case_id", "cases.id"),
    ref("uploader_id", "persons.id", index=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("preview_sha256", sa.String(64), nullable=False),
    word("media_type", 64),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    moment("uploaded_at"),
)

attachment_uses = sa.Table(
    "attachment_uses",
    metadata,
    sa.Column("attachment_id", sa.String(64), sa.ForeignKey("attachments.id"), primary_key=True),
    sa.Column("lane", sa.String(64), sa.ForeignKey("lanes.id"), primary_key=True),
)

marks = sa.Table(
    "marks",
    metadata,
    # What happens once for ever, such as the card that a hearing starts soon.
    sa.Column("name", sa.String(200), primary_key=True),
    moment("at"),
)
