"""The log over all acts: each act's place, the tree in tiles, its checkpoints, and what others said of them."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import metadata, moment, word

# One row each, found by this name: the rows are locks as well.
ACTS = "acts"

log_places = sa.Table(
    "log_places",
    metadata,
    sa.Column("log", sa.String(16), primary_key=True),
    # The next leaf index to be given out, in the commit of the act that gets it.
    sa.Column("next_index", sa.BigInteger, nullable=False),
)

log_leaves = sa.Table(
    "log_leaves",
    metadata,
    sa.Column("leaf_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("act_id", sa.String(64), sa.ForeignKey("acts.id"), nullable=False, unique=True),
)

log_trees = sa.Table(
    "log_trees",
    metadata,
    sa.Column("log", sa.String(16), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    # Roots of the complete subtrees, 32 bytes each, largest first.
    sa.Column("peaks", sa.LargeBinary, nullable=False),
)

log_tiles = sa.Table(
    "log_tiles",
    metadata,
    sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    # Up to 256 hashes; a tile only ever gets longer.
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)

log_checkpoints = sa.Table(
    "log_checkpoints",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    # The signed note: origin, size, root, our signature. Cosignatures are rows of their own.
    sa.Column("note", sa.Text, nullable=False),
    # The public key it was signed with: proofs are given also while the signer is down.
    sa.Column("log_key", sa.Text, nullable=False),
    moment("signed_at"),
)

log_cosignatures = sa.Table(
    "log_cosignatures",
    metadata,
    sa.Column(
        "size", sa.BigInteger, sa.ForeignKey("log_checkpoints.size"), primary_key=True, autoincrement=False
    ),
    sa.Column("witness", sa.String(200), primary_key=True),
    # One signature line of the note.
    sa.Column("line", sa.Text, nullable=False),
    moment("at"),
)

# Outbox and archive of time stamps: a row is written with the wish, and settled with the token.
log_time_stamps = sa.Table(
    "log_time_stamps",
    metadata,
    sa.Column(
        "size", sa.BigInteger, sa.ForeignKey("log_checkpoints.size"), primary_key=True, autoincrement=False
    ),
    word("state"),  # queued | stamped
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    moment("asked_at"),
    moment("next_at", nullable=True, index=True),
    # The moment in the token, and the whole answer of the authority (DER).
    moment("at", nullable=True),
    sa.Column("token", sa.LargeBinary),
    sa.Column("result", sa.String(200), nullable=False, default=""),
)

# How far the sealed segments of a recording have become acts; one row per recorder that writes it.
sealed_segment_marks = sa.Table(
    "sealed_segment_marks",
    metadata,
    sa.Column("recording_id", sa.String(64), primary_key=True),
    sa.Column("recorder", sa.String(32), primary_key=True),
    sa.Column("last_number", sa.BigInteger, nullable=False),
)
