"""Texts of lanes, files and exhibits in normal form, for searching. They are derived: a job fills the tables.

Revision ID: r0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0016"
down_revision: str | None = "r0015"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "search_entries",
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_search_entries_case_id_cases")),
        sa.PrimaryKeyConstraint("source", "subject", "part", name=op.f("pk_search_entries")),
    )
    op.create_index("ix_search_entries_case_id_at", "search_entries", ["case_id", "at"])
    op.create_table(
        "search_marks",
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "subject", name=op.f("pk_search_marks")),
    )


def downgrade() -> None:
    op.drop_table("search_marks")
    op.drop_index("ix_search_entries_case_id_at", table_name="search_entries")
    op.drop_table("search_entries")
