"""Exhibits, opinions on them, the counters of their numbers, and the times for evidence.

Revision ID: r0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0013"
down_revision: str | None = "r0012"
branch_labels: str | None = None
depends_on: str | None = None


def _text(name: str, length: int = 64, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def upgrade() -> None:
    _exhibits()
    op.create_table(
        "exhibit_opinions",
        _text("id"),
        _text("exhibit_id"),
        _text("case_id"),
        _moment("given_at"),
        sa.Column("document", sa.JSON(), nullable=False),
        _to("exhibit_opinions", "case_id", "cases"),
        _to("exhibit_opinions", "exhibit_id", "exhibits"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exhibit_opinions")),
    )
    for column in ("case_id", "exhibit_id"):
        op.create_index(op.f(f"ix_exhibit_opinions_{column}"), "exhibit_opinions", [column], unique=False)
    op.create_table(
        "exhibit_series",
        _text("case_id"),
        _text("series"),
        sa.Column("last_number", sa.Integer(), nullable=False),
        _to("exhibit_series", "case_id", "cases"),
        sa.PrimaryKeyConstraint("case_id", "series", name=op.f("pk_exhibit_series")),
    )
    op.create_table(
        "exhibit_terms",
        _text("case_id"),
        _moment("submit_until", nullable=True),
        _text("set_by", nullable=True),
        _moment("set_at", nullable=True),
        _to("exhibit_terms", "case_id", "cases"),
        _to("exhibit_terms", "set_by", "persons"),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_exhibit_terms")),
    )


def _exhibits() -> None:
    op.create_table(
        "exhibits",
        _text("id"),
        _text("case_id"),
        _text("series"),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("state", 32),
        sa.Column("revision", sa.Integer(), nullable=False),
        _moment("created_at"),
        sa.Column("document", sa.JSON(), nullable=False),
        _to("exhibits", "case_id", "cases"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exhibits")),
        sa.UniqueConstraint(
            "case_id", "series", "number", "version", name=op.f("uq_exhibits_case_id_series_number_version")
        ),
    )
    op.create_index(op.f("ix_exhibits_case_id"), "exhibits", ["case_id"], unique=False)
    op.create_table(
        "exhibit_files",
        _text("exhibit_id"),
        _text("attachment_id"),
        _to("exhibit_files", "attachment_id", "attachments"),
        _to("exhibit_files", "exhibit_id", "exhibits"),
        sa.PrimaryKeyConstraint("exhibit_id", "attachment_id", name=op.f("pk_exhibit_files")),
    )
    op.create_index(op.f("ix_exhibit_files_attachment_id"), "exhibit_files", ["attachment_id"], unique=False)


def downgrade() -> None:
    for table in ("exhibit_terms", "exhibit_series", "exhibit_opinions", "exhibit_files", "exhibits"):
        op.drop_table(table)
