"""The log over all acts: leaves, tiles, checkpoints, cosignatures, time stamps; acts of before get their places.

Revision ID: r0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision: str | None = "r0002"
branch_labels: str | None = None
depends_on: str | None = None

_MOMENT = sa.DateTime(timezone=True)


def _places() -> None:
    op.create_table(
        "log_places",
        sa.Column("log", sa.String(16), nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_log_places")),
    )
    op.create_table(
        "log_leaves",
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("act_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_log_leaves")),
        sa.ForeignKeyConstraint(["act_id"], ["acts.id"], name=op.f("fk_log_leaves_act_id_acts")),
        sa.UniqueConstraint("act_id", name=op.f("uq_log_leaves_act_id")),
    )


def _tree() -> None:
    op.create_table(
        "log_trees",
        sa.Column("log", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_log_trees")),
    )
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_log_tiles")),
    )


def _checkpoints() -> None:
    op.create_table(
        "log_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("log_key", sa.Text(), nullable=False),
        sa.Column("signed_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoints")),
    )
    op.create_table(
        "log_cosignatures",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("witness", sa.String(200), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", name=op.f("pk_log_cosignatures")),
        sa.ForeignKeyConstraint(
            ["size"], ["log_checkpoints.size"], name=op.f("fk_log_cosignatures_size_log_checkpoints")
        ),
    )
    op.create_table(
        "log_time_stamps",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("next_at", _MOMENT),
        sa.Column("at", _MOMENT),
        sa.Column("token", sa.LargeBinary()),
        sa.Column("result", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_time_stamps")),
        sa.ForeignKeyConstraint(
            ["size"], ["log_checkpoints.size"], name=op.f("fk_log_time_stamps_size_log_checkpoints")
        ),
    )
    op.create_index(op.f("ix_log_time_stamps_next_at"), "log_time_stamps", ["next_at"], unique=False)


def _segment_marks() -> None:
    op.create_table(
        "sealed_segment_marks",
        sa.Column("recording_id", sa.String(64), nullable=False),
        sa.Column("recorder", sa.String(32), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", "recorder", name=op.f("pk_sealed_segment_marks")),
    )


def _place_acts_of_before() -> None:
    """In the order of their time, then of their chains: any order will do, as long as it never changes again."""
    op.execute(
        "INSERT INTO log_leaves (leaf_index, act_id) "
        "SELECT row_number() OVER (ORDER BY at, chain_id, case_seq) - 1, id FROM acts"
    )
    op.execute("INSERT INTO log_places (log, next_index) SELECT 'acts', count(*) FROM acts")
    empty = sa.table("log_trees", sa.column("log"), sa.column("size"), sa.column("peaks", sa.LargeBinary))
    op.execute(empty.insert().values(log="acts", size=0, peaks=b""))


def upgrade() -> None:
    _places()
    _tree()
    _checkpoints()
    _segment_marks()
    _place_acts_of_before()


def downgrade() -> None:
    for name in (
        "sealed_segment_marks", "log_time_stamps", "log_cosignatures", "log_checkpoints", "log_tiles", "log_trees",
        "log_leaves", "log_places",
    ):  # fmt: skip
        op.drop_table(name)
