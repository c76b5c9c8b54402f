"""Channels, evidence and ends of reminders; contacts of people; nodes of cases.

Revision ID: r0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0014"
down_revision: str | None = "r0013"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    _notices_and_reminders()
    _people()
    op.create_table(
        "case_nodes",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("dedup_key", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("pushed_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_nodes_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_nodes")),
        sa.UniqueConstraint("dedup_key", name=op.f("uq_case_nodes_dedup_key")),
    )
    op.create_index(op.f("ix_case_nodes_case_id"), "case_nodes", ["case_id"], unique=False)
    op.create_index(op.f("ix_case_nodes_pushed_at"), "case_nodes", ["pushed_at"], unique=False)


def _notices_and_reminders() -> None:
    with op.batch_alter_table("notices") as table:
        table.add_column(sa.Column("provider_id", sa.String(120)))
        table.add_column(sa.Column("report", sa.String(32), nullable=False, server_default=""))
        table.add_column(sa.Column("report_detail", sa.String(200), nullable=False, server_default=""))
        table.add_column(sa.Column("reported_at", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("maybe_twice", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("obligations") as table:
        table.add_column(sa.Column("has_task", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Ladders that were used up before had no end: the next turn of the job gives them one.
    op.execute(
        "UPDATE obligations SET next_at = issued_at WHERE next_at IS NULL AND state IN ('active', 'displayed')"
    )
    op.create_table(
        "reminder_documents",
        sa.Column("reminder_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("document_id", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["reminder_id"], ["reminders.id"], name=op.f("fk_reminder_documents_reminder_id_reminders")
        ),
        sa.PrimaryKeyConstraint("reminder_id", "kind", "document_id", name=op.f("pk_reminder_documents")),
    )
    op.create_index(
        op.f("ix_reminder_documents_document_id"), "reminder_documents", ["document_id"], unique=False
    )


def _people() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("address_index", sa.String(64), nullable=False),
        sa.Column("label", sa.String(120), nullable=False),
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("last_proof_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_contacts_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index(op.f("ix_contacts_person_id"), "contacts", ["person_id"], unique=False)
    op.create_table(
        "notice_wishes",
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("wishes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_notice_wishes_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_notice_wishes")),
    )
    op.create_table(
        "service_consents",
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.String(32), nullable=False),
        sa.Column("text_sha256", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_service_consents_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_service_consents_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("case_id", "person_id", "at", name=op.f("pk_service_consents")),
    )


def downgrade() -> None:
    for table in ("service_consents", "notice_wishes", "contacts", "case_nodes", "reminder_documents"):
        op.drop_table(table)
    with op.batch_alter_table("obligations") as obligations:
        obligations.drop_column("has_task")
    with op.batch_alter_table("notices") as notices:
        for column in ("maybe_twice", "reported_at", "report_detail", "report", "provider_id"):
            notices.drop_column(column)
