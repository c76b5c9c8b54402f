"""Corrections and tombstones find their message; files out of sight; mentions; requests for contact.

Revision ID: r0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision: str | None = "r0008"
branch_labels: str | None = None
depends_on: str | None = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("lane_events", sa.Column("target_seq", sa.BigInteger(), nullable=True))
    op.create_index("ix_lane_events_lane_target_seq", "lane_events", ["lane", "target_seq"])
    op.add_column(
        "attachment_uses", sa.Column("is_withheld", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "lane_mentions",
        sa.Column("lane", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("told_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("lane", "seq", "person_id", name=op.f("pk_lane_mentions")),
        sa.ForeignKeyConstraint(["lane"], ["lanes.id"], name=op.f("fk_lane_mentions_lane_lanes")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_lane_mentions_person_id_persons")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_lane_mentions_case_id_cases")),
    )
    op.create_index("ix_lane_mentions_person_id_lane", "lane_mentions", ["person_id", "lane"])
    op.create_index("ix_lane_mentions_told_at_at", "lane_mentions", ["told_at", "at"])
    op.create_table(
        "contact_requests",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("court_id", sa.String(64), nullable=False),
        sa.Column("asker_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_requests")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_contact_requests_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_contact_requests_court_id_courts")
        ),
        sa.ForeignKeyConstraint(
            ["asker_id"], ["persons.id"], name=op.f("fk_contact_requests_asker_id_persons")
        ),
    )
    op.create_index(op.f("ix_contact_requests_case_id"), "contact_requests", ["case_id"])
    op.create_index(op.f("ix_contact_requests_asker_id"), "contact_requests", ["asker_id"])
    op.create_index("ix_contact_requests_court_id_state", "contact_requests", ["court_id", "state"])
    op.create_index("ix_contact_requests_due_at", "contact_requests", ["due_at"])


def downgrade() -> None:
    op.drop_table("contact_requests")
    op.drop_table("lane_mentions")
    op.drop_column("attachment_uses", "is_withheld")
    op.drop_index("ix_lane_events_lane_target_seq", table_name="lane_events")
    op.drop_column("lane_events", "target_seq")
