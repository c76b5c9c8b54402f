"""Hearings, recordings, case spaces, reminders, acts.

Revision ID: r0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision: str | None = "r0001"
branch_labels: str | None = None
depends_on: str | None = None

# The type as it was in this release: `timestamptz` on PostgreSQL, naive UTC on SQLite.
_MOMENT = sa.DateTime(timezone=True)


def _act_chains() -> None:
    op.create_table(
        "act_chains",
        sa.Column("chain_id", sa.String(64), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_act_chains")),
    )


def _marks() -> None:
    op.create_table(
        "marks",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_marks")),
    )


def _acts() -> None:
    op.create_table(
        "acts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("chain_id", sa.String(64), nullable=False),
        sa.Column("case_seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("entry_sha256", sa.String(64), nullable=False),
        sa.Column("prev_sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts")),
        sa.ForeignKeyConstraint(
            ["chain_id"], ["act_chains.chain_id"], name=op.f("fk_acts_chain_id_act_chains")
        ),
        sa.UniqueConstraint("chain_id", "case_seq", name=op.f("uq_acts_chain_id_case_seq")),
    )


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("dedup_key", sa.String(200), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("to_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("next_at", _MOMENT),
        sa.Column("settled_at", _MOMENT),
        sa.Column("result", sa.String(200)),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_notices_person_id_persons")),
        sa.UniqueConstraint("dedup_key", name=op.f("uq_notices_dedup_key")),
    )
    op.create_index(op.f("ix_notices_created_at"), "notices", ["created_at"], unique=False)
    op.create_index(op.f("ix_notices_next_at"), "notices", ["next_at"], unique=False)
    op.create_index(op.f("ix_notices_person_id"), "notices", ["person_id"], unique=False)


def _attachments() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("uploader_id", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("preview_sha256", sa.String(64), nullable=False),
        sa.Column("media_type", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("uploaded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_attachments_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["uploader_id"], ["persons.id"], name=op.f("fk_attachments_uploader_id_persons")
        ),
    )
    op.create_index(op.f("ix_attachments_case_id"), "attachments", ["case_id"], unique=False)


def _hearings() -> None:
    op.create_table(
        "hearings",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("starts_at", _MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hearings")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_hearings_case_id_cases")),
    )
    op.create_index(op.f("ix_hearings_case_id"), "hearings", ["case_id"], unique=False)
    op.create_index(op.f("ix_hearings_starts_at"), "hearings", ["starts_at"], unique=False)


def _lanes() -> None:
    op.create_table(
        "lanes",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lanes")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_lanes_case_id_cases")),
        sa.UniqueConstraint("case_id", "kind", name=op.f("uq_lanes_case_id_kind")),
    )
    op.create_index(op.f("ix_lanes_case_id"), "lanes", ["case_id"], unique=False)


def _reminders() -> None:
    op.create_table(
        "reminders",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("author_id", sa.String(64), nullable=False),
        sa.Column("issued_at", _MOMENT, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.ForeignKeyConstraint(["author_id"], ["persons.id"], name=op.f("fk_reminders_author_id_persons")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_reminders_case_id_cases")),
    )
    op.create_index(op.f("ix_reminders_case_id"), "reminders", ["case_id"], unique=False)


def _attachment_uses() -> None:
    op.create_table(
        "attachment_uses",
        sa.Column("attachment_id", sa.String(64), nullable=False),
        sa.Column("lane", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("attachment_id", "lane", name=op.f("pk_attachment_uses")),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_attachment_uses_attachment_id_attachments")
        ),
        sa.ForeignKeyConstraint(["lane"], ["lanes.id"], name=op.f("fk_attachment_uses_lane_lanes")),
    )


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("hearing_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("last_used_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.ForeignKeyConstraint(
            ["hearing_id"], ["hearings.id"], name=op.f("fk_invitations_hearing_id_hearings")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_invitations_person_id_persons")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_invitations_token_sha256")),
    )
    op.create_index(op.f("ix_invitations_hearing_id"), "invitations", ["hearing_id"], unique=False)
    op.create_index(op.f("ix_invitations_person_id"), "invitations", ["person_id"], unique=False)


def _lane_events() -> None:
    op.create_table(
        "lane_events",
        sa.Column("lane", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("sender_id", sa.String(64)),
        sa.Column("client_id", sa.String(64)),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("server_time", _MOMENT, nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("lane", "seq", name=op.f("pk_lane_events")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_lane_events_case_id_cases")),
        sa.ForeignKeyConstraint(["lane"], ["lanes.id"], name=op.f("fk_lane_events_lane_lanes")),
        sa.ForeignKeyConstraint(["sender_id"], ["persons.id"], name=op.f("fk_lane_events_sender_id_persons")),
        sa.UniqueConstraint(
            "case_id", "sender_id", "client_id", name=op.f("uq_lane_events_case_id_sender_id_client_id")
        ),
        sa.UniqueConstraint("event_id", name=op.f("uq_lane_events_event_id")),
    )


def _lane_receipts() -> None:
    op.create_table(
        "lane_receipts",
        sa.Column("lane", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("delivered_seq", sa.BigInteger(), nullable=False),
        sa.Column("read_seq", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("lane", "person_id", name=op.f("pk_lane_receipts")),
        sa.ForeignKeyConstraint(["lane"], ["lanes.id"], name=op.f("fk_lane_receipts_lane_lanes")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_lane_receipts_person_id_persons")
        ),
    )


def _obligations() -> None:
    op.create_table(
        "obligations",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("reminder_id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("issued_at", _MOMENT, nullable=False),
        sa.Column("next_at", _MOMENT),
        sa.Column("is_awaiting", sa.Boolean(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligations")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_obligations_case_id_cases")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_obligations_person_id_persons")),
        sa.ForeignKeyConstraint(
            ["reminder_id"], ["reminders.id"], name=op.f("fk_obligations_reminder_id_reminders")
        ),
    )
    op.create_index(op.f("ix_obligations_case_id"), "obligations", ["case_id"], unique=False)
    op.create_index(op.f("ix_obligations_next_at"), "obligations", ["next_at"], unique=False)
    op.create_index(op.f("ix_obligations_person_id"), "obligations", ["person_id"], unique=False)
    op.create_index(op.f("ix_obligations_reminder_id"), "obligations", ["reminder_id"], unique=False)


def _recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("hearing_id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("film_state", sa.String(32), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_recordings_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["hearing_id"], ["hearings.id"], name=op.f("fk_recordings_hearing_id_hearings")
        ),
        sa.UniqueConstraint("hearing_id", name=op.f("uq_recordings_hearing_id")),
    )
    op.create_index(op.f("ix_recordings_case_id"), "recordings", ["case_id"], unique=False)


def _publications() -> None:
    op.create_table(
        "publications",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("recording_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("submitted_at", _MOMENT, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_publications_recording_id_recordings")
        ),
    )
    op.create_index(op.f("ix_publications_recording_id"), "publications", ["recording_id"], unique=False)
    op.create_index(op.f("ix_publications_submitted_at"), "publications", ["submitted_at"], unique=False)


_TABLES = (
    ("act_chains", _act_chains),
    ("marks", _marks),
    ("acts", _acts),
    ("notices", _notices),
    ("attachments", _attachments),
    ("hearings", _hearings),
    ("lanes", _lanes),
    ("reminders", _reminders),
    ("attachment_uses", _attachment_uses),
    ("invitations", _invitations),
    ("lane_events", _lane_events),
    ("lane_receipts", _lane_receipts),
    ("obligations", _obligations),
    ("recordings", _recordings),
    ("publications", _publications),
)


def upgrade() -> None:
    for _, create in _TABLES:
        create()


def downgrade() -> None:
    for name, _ in reversed(_TABLES):
        op.drop_table(name)
