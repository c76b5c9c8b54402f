"""Single tracks of films, and acts found by their hearing.

Revision ID: r0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0011"
down_revision: str | None = "r0010"
branch_labels: str | None = None
depends_on: str | None = None

_TAKEN_OUT = {
    "sqlite": "UPDATE acts SET hearing_id = json_extract(payload, '$.hearing_id')",
    "postgresql": "UPDATE acts SET hearing_id = payload ->> 'hearing_id'",
}


def upgrade() -> None:
    op.create_table(
        "single_tracks",
        sa.Column("recording_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("shown", sa.String(32), nullable=False),
        sa.Column("film_attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("progress_permille", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(64), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_single_tracks_recording_id_recordings")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_single_tracks_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("recording_id", "person_id", "shown", name=op.f("pk_single_tracks")),
    )
    op.create_index(op.f("ix_single_tracks_asked_at"), "single_tracks", ["asked_at"], unique=False)
    op.add_column("acts", sa.Column("hearing_id", sa.String(64), nullable=True))
    op.execute(_TAKEN_OUT[op.get_bind().dialect.name])
    op.create_index("ix_acts_hearing_id_case_seq", "acts", ["hearing_id", "case_seq"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_acts_hearing_id_case_seq", "acts")
    op.drop_column("acts", "hearing_id")
    op.drop_table("single_tracks")
