"""Closed doors: a case's order with its ground, and hearings that have one of their own.

Revision ID: r0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0012"
down_revision: str | None = "r0011"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("closed_doors", sa.JSON(), nullable=True))
    op.add_column(
        "hearings", sa.Column("openness", sa.String(32), nullable=False, server_default=sa.text("'open'"))
    )


def downgrade() -> None:
    op.drop_column("hearings", "openness")
    op.drop_column("cases", "closed_doors")
