"""The act log (行为存证) and the notices outbox: rows written in the commit of the business they speak of."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

act_chains = sa.Table(
    "act_chains",
    metadata,
    # A case id, or the court's own id for acts outside any case (sign-ins, imports).
    sa.Column("chain_id", sa.String(64), primary_key=True),
    sa.Column("head_seq", sa.BigInteger, nullable=False),
    sa.Column("head_sha256", sa.String(64), nullable=False),
)

acts = sa.Table(
    "acts",
    metadata,
    key(),
    sa.Column("chain_id", sa.String(64), sa.ForeignKey("act_chains.chain_id"), nullable=False),
    sa.Column("case_seq", sa.BigInteger, nullable=False),
    word("kind", 64),
    moment("at"),
    sa.Column("actor_id", sa.String(64), nullable=False),
    word("role"),
    # What happened, in clear, for those who may see the case; the entry holds salted commitments only.
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
    sa.Column("entry_sha256", sa.String(64), nullable=False),
    sa.Column("prev_sha256", sa.String(64), nullable=False),
    # Taken out of the payload, so that a hearing's page need not read the case's whole chain.
    sa.Column("hearing_id", sa.String(64)),
    sa.UniqueConstraint("chain_id", "case_seq"),
    sa.Index("ix_acts_hearing_id_case_seq", "hearing_id", "case_seq"),
)

notices = sa.Table(
    "notices",
    metadata,
    key(),
    # One notice per cause, however often a job is repeated.
    sa.Column("dedup_key", sa.String(200), nullable=False, unique=True),
    ref("person_id", "persons.id"),
    word("channel"),
    sa.Column("to_sealed", sa.LargeBinary, nullable=False),
    sa.Column("body_sealed", sa.LargeBinary, nullable=False),
    word("state"),  # queued | sending | accepted | failed
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    moment("created_at", index=True),
    moment("next_at", nullable=True, index=True),
    moment("settled_at", nullable=True),
    sa.Column("result", sa.String(200)),
    sa.Column("simulated", sa.Boolean, nullable=False, default=False),
    sa.Column("provider_id", sa.String(120)),
    # What the provider said later: delivered | displayed | opened | failed; empty while it is silent.
    sa.Column("report", sa.String(32), nullable=False, default="", server_default=""),
    sa.Column("report_detail", sa.String(200), nullable=False, default="", server_default=""),
    moment("reported_at", nullable=True),
    # Sent again under its key after the sender died in the middle.
    sa.Column("maybe_twice", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
)
