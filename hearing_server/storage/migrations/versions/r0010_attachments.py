"""Attachments of every kind, checked after they came: states, findings, text and pages.

Revision ID: r0010
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0010"
down_revision: str | None = "r0009"
branch_labels: str | None = None
depends_on: str | None = None


def _new() -> tuple[sa.Column[Any], ...]:
    """Rows of before are pictures that were looked into while they came."""
    return (
        sa.Column("kind", sa.String(32), nullable=False, server_default="image"),
        sa.Column("state", sa.String(32), nullable=False, server_default="ready"),
        sa.Column("purpose", sa.String(32), nullable=False, server_default="message"),
        sa.Column("reason", sa.String(32), nullable=False, server_default=""),
        sa.Column("findings", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("pages", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("waveform", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("rendition_sha256", sa.String(64), nullable=False, server_default=""),
        sa.Column("rendition_bytes", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("declared_sha256", sa.String(64), nullable=False, server_default=""),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waits_for", sa.String(32), nullable=False, server_default=""),
    )


def upgrade() -> None:
    with op.batch_alter_table("attachments") as table:
        for column in _new():
            table.add_column(column)
        # Names of office formats are that long.
        table.alter_column(
            "media_type", existing_type=sa.String(64), type_=sa.String(100), existing_nullable=False
        )
    op.create_index("ix_attachments_state_uploaded_at", "attachments", ["state", "uploaded_at"])
    op.create_table(
        "attachment_texts",
        sa.Column("attachment_id", sa.String(64), nullable=False),
        sa.Column("page", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_attachment_texts_attachment_id_attachments")
        ),
        sa.PrimaryKeyConstraint("attachment_id", "page", name=op.f("pk_attachment_texts")),
    )
    op.create_table(
        "attachment_pages",
        sa.Column("attachment_id", sa.String(64), nullable=False),
        sa.Column("page", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_attachment_pages_attachment_id_attachments")
        ),
        sa.PrimaryKeyConstraint("attachment_id", "page", name=op.f("pk_attachment_pages")),
    )


def downgrade() -> None:
    op.drop_table("attachment_pages")
    op.drop_table("attachment_texts")
    op.drop_index("ix_attachments_state_uploaded_at", table_name="attachments")
    with op.batch_alter_table("attachments") as table:
        for column in _new():
            table.drop_column(column.name)
