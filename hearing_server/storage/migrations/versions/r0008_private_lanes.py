"""Lanes of one side with the court, and mediations: who is named there, until when, and from which event on.

A lane's `kind` holds its slot from here on (`sealed:plaintiff`, `mediation:2`), so that the old constraint, one lane
per case and kind, keeps one sealed lane per side.

Revision ID: r0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision: str | None = "r0007"
branch_labels: str | None = None
depends_on: str | None = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Plain additions: both dialects take them without building the table anew under its foreign keys.
    op.add_column("lanes", sa.Column("title", sa.String(200), nullable=False, server_default=""))
    op.add_column("lanes", sa.Column("closed_at", _MOMENT, nullable=True))
    op.add_column("attachment_uses", sa.Column("seq", sa.BigInteger(), nullable=False, server_default="1"))
    op.create_table(
        "lane_persons",
        sa.Column("lane", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", _MOMENT, nullable=False),
        sa.Column("left_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("lane", "person_id", name=op.f("pk_lane_persons")),
        sa.ForeignKeyConstraint(["lane"], ["lanes.id"], name=op.f("fk_lane_persons_lane_lanes")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_lane_persons_person_id_persons")
        ),
    )


def downgrade() -> None:
    op.drop_table("lane_persons")
    op.drop_column("attachment_uses", "seq")
    op.drop_column("lanes", "closed_at")
    op.drop_column("lanes", "title")
