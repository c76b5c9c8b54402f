"""Publications: what the public searches by, and the state of the copy that is shown.

Publications of before have no copy that anybody approved: they are public no more until one is made.

Revision ID: r0005
"""

from __future__ import annotations

import json
from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision: str | None = "r0004"
branch_labels: str | None = None
depends_on: str | None = None

_MOMENT = sa.DateTime(timezone=True)
_ADDED = ("copy_state", "case_number", "held_on", "published_at")


def upgrade() -> None:
    with op.batch_alter_table("publications") as table:
        table.add_column(sa.Column("copy_state", sa.String(32), nullable=False, server_default="failed"))
        table.add_column(sa.Column("case_number", sa.String(120), nullable=False, server_default=""))
        table.add_column(sa.Column("held_on", sa.Date(), nullable=False, server_default="1970-01-01"))
        table.add_column(sa.Column("published_at", _MOMENT, nullable=True))
    op.create_index(op.f("ix_publications_held_on"), "publications", ["held_on"], unique=False)
    op.create_index(op.f("ix_publications_published_at"), "publications", ["published_at"], unique=False)
    _fill()


def _fill() -> None:
    rows = sa.table(
        "publications",
        sa.column("id"), sa.column("state"), sa.column("document", sa.JSON), sa.column("case_number"),
        sa.column("held_on", sa.Date),
    )  # fmt: skip
    connection = op.get_bind()
    for row in connection.execute(sa.select(rows.c.id, rows.c.state, rows.c.document)).mappings().all():
        document = row["document"]
        document = json.loads(document) if isinstance(document, str) else dict(document)
        state = "withdrawn" if row["state"] == "public" else row["state"]
        document |= {"state": state, "copy": {"state": "failed", "error": "film.missing"}}
        connection.execute(
            rows.update()
            .where(rows.c.id == row["id"])
            .values(
                state=state,
                document=document,
                case_number=document["case_number"],
                held_on=date.fromisoformat(document["held_on"]),
            )
        )


def downgrade() -> None:
    op.drop_index(op.f("ix_publications_published_at"), table_name="publications")
    op.drop_index(op.f("ix_publications_held_on"), table_name="publications")
    with op.batch_alter_table("publications") as table:
        for name in _ADDED:
            table.drop_column(name)
