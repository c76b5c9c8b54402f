"""Hearings: the whole aggregate as one document beside the columns that are searched."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

hearings = sa.Table(
    "hearings",
    metadata,
    key(),
    ref("case_id", "cases.id"),
    word("state"),
    # The hearing's own order; its case may be closed besides.
    word("openness"),
    moment("starts_at", index=True),
    # Rises with every change; a writer that read an older one is refused.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
)
