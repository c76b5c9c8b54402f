"""Case spaces: lanes with their heads, append-only events, receipts, attachments."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

lanes = sa.Table(
    "lanes",
    metadata,
    key(),
    ref("case_id", "cases.id"),
    # With the slot of a private lane: `sealed:plaintiff`, `mediation:2`.
    word("kind"),
    # A mediation's name, a sealed lane's ground.
    sa.Column("title", sa.String(200), nullable=False, server_default=""),
    sa.Column("epoch", sa.Integer, nullable=False),
    # The row lock on the head makes commit order equal sequence order: no reader sees n + 1 before n.
    sa.Column("head_seq", sa.BigInteger, nullable=False),
    sa.Column("head_hash", sa.LargeBinary, nullable=False),
    moment("opened_at"),
    moment("closed_at", nullable=True),
    sa.UniqueConstraint("case_id", "kind"),
)

lane_persons = sa.Table(
    "lane_persons",
    metadata,
    # Whom the court named for a mediation; who left keeps the row, and coming back opens it again.
    sa.Column("lane", sa.String(64), sa.ForeignKey("lanes.id"), primary_key=True),
    sa.Column("person_id", sa.String(64), sa.ForeignKey("persons.id"), primary_key=True),
    sa.Column("from_seq", sa.BigInteger, nullable=False),
    moment("joined_at"),
    moment("left_at", nullable=True),
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
    # Which message this one corrects or takes out of sight; out of the body, for looking up.
    sa.Column("target_seq", sa.BigInteger),
    sa.UniqueConstraint("case_id", "sender_id", "client_id"),
    sa.Index("ix_lane_events_lane_target_seq", "lane", "target_seq"),
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
    word("media_type", 100),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    moment("uploaded_at"),
    # What was found in the file; rows of before speak of pictures that were looked into when they came.
    word("kind"),
    word("state"),
    word("purpose"),
    word("reason"),
    sa.Column("findings", sa.JSON, nullable=False),
    sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("duration_ms", sa.BigInteger, nullable=False),
    sa.Column("waveform", sa.JSON, nullable=False),
    sa.Column("rendition_sha256", sa.String(64), nullable=False),
    sa.Column("rendition_bytes", sa.BigInteger, nullable=False),
    sa.Column("declared_sha256", sa.String(64), nullable=False),
    moment("expires_at", nullable=True),
    word("waits_for"),
    sa.Index("ix_attachments_state_uploaded_at", "state", "uploaded_at"),
)

attachment_texts = sa.Table(
    "attachment_texts",
    metadata,
    sa.Column("attachment_id", sa.String(64), sa.ForeignKey("attachments.id"), primary_key=True),
    sa.Column("page", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("text", sa.Text, nullable=False),
)

attachment_pages = sa.Table(
    "attachment_pages",
    metadata,
    sa.Column("attachment_id", sa.String(64), sa.ForeignKey("attachments.id"), primary_key=True),
    sa.Column("page", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
)

attachment_uses = sa.Table(
    "attachment_uses",
    metadata,
    sa.Column("attachment_id", sa.String(64), sa.ForeignKey("attachments.id"), primary_key=True),
    sa.Column("lane", sa.String(64), sa.ForeignKey("lanes.id"), primary_key=True),
    # Where it was posted first: who may read the lane only from a later event on doesn't get it by its id.
    sa.Column("seq", sa.BigInteger, nullable=False, server_default="1"),
    # The message that showed it was taken out of sight.
    sa.Column("is_withheld", sa.Boolean, nullable=False, server_default=sa.false()),
)

marks = sa.Table(
    "marks",
    metadata,
    # What happens once for ever, such as the card that a hearing starts soon.
    sa.Column("name", sa.String(200), primary_key=True),
    moment("at"),
)
