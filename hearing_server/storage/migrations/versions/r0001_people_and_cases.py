"""People and cases.

Revision ID: r0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

# The type as it was in this release: `timestamptz` on PostgreSQL, naive UTC on SQLite.
_MOMENT = sa.DateTime(timezone=True)


def _attempt_counters() -> None:
    op.create_table(
        "attempt_counters",
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_attempt_counters")),
    )


def _courts() -> None:
    op.create_table(
        "courts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("name_en", sa.String(160), nullable=False),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courts")),
    )


def _one_time_codes() -> None:
    op.create_table(
        "one_time_codes",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(96), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_codes")),
    )
    op.create_index(op.f("ix_one_time_codes_subject"), "one_time_codes", ["subject"], unique=False)


def _case_number_counters() -> None:
    op.create_table(
        "case_number_counters",
        sa.Column("court_id", sa.String(64), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("type_code", sa.String(16), nullable=False),
        sa.Column("last_serial", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("court_id", "year", "type_code", name=op.f("pk_case_number_counters")),
        sa.ForeignKeyConstraint(
            ["court_id"], ["courts.id"], name=op.f("fk_case_number_counters_court_id_courts")
        ),
    )


def _persons() -> None:
    op.create_table(
        "persons",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("court_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary()),
        sa.Column("phone_index", sa.String(64)),
        sa.Column("phone_masked", sa.String(32)),
        sa.Column("id_number_sealed", sa.LargeBinary()),
        sa.Column("id_number_index", sa.String(64)),
        sa.Column("id_masked", sa.String(32)),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
        sa.ForeignKeyConstraint(["court_id"], ["courts.id"], name=op.f("fk_persons_court_id_courts")),
        sa.UniqueConstraint("court_id", "id_number_index", name=op.f("uq_persons_court_id_id_number_index")),
    )
    op.create_index(op.f("ix_persons_court_id"), "persons", ["court_id"], unique=False)
    op.create_index(op.f("ix_persons_phone_index"), "persons", ["phone_index"], unique=False)


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("court_id", sa.String(64), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("procedure", sa.String(32), nullable=False),
        sa.Column("openness", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("judge_id", sa.String(64)),
        sa.Column("clerk_id", sa.String(64)),
        sa.Column("filed_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.ForeignKeyConstraint(["clerk_id"], ["persons.id"], name=op.f("fk_cases_clerk_id_persons")),
        sa.ForeignKeyConstraint(["court_id"], ["courts.id"], name=op.f("fk_cases_court_id_courts")),
        sa.ForeignKeyConstraint(["judge_id"], ["persons.id"], name=op.f("fk_cases_judge_id_persons")),
        sa.UniqueConstraint("court_id", "number", name=op.f("uq_cases_court_id_number")),
    )
    op.create_index(op.f("ix_cases_clerk_id"), "cases", ["clerk_id"], unique=False)
    op.create_index(op.f("ix_cases_court_id"), "cases", ["court_id"], unique=False)
    op.create_index(op.f("ix_cases_judge_id"), "cases", ["judge_id"], unique=False)


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_sessions_person_id_persons")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_sessions_token_sha256")),
    )
    op.create_index(op.f("ix_sessions_person_id"), "sessions", ["person_id"], unique=False)


def _staff_accounts() -> None:
    op.create_table(
        "staff_accounts",
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_staff_accounts")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_staff_accounts_person_id_persons")
        ),
        sa.UniqueConstraint("username", name=op.f("uq_staff_accounts_username")),
    )


def _docket_entries() -> None:
    op.create_table(
        "docket_entries",
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(48), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("title_en", sa.String(300), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor_name", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_docket_entries")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_docket_entries_case_id_cases")),
    )


def _parties() -> None:
    op.create_table(
        "parties",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("standing", sa.String(32), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("joined_at", _MOMENT, nullable=False),
        sa.Column("left_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parties")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_parties_case_id_cases")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_parties_person_id_persons")),
        sa.UniqueConstraint(
            "case_id", "standing", "ordinal", name=op.f("uq_parties_case_id_standing_ordinal")
        ),
    )
    op.create_index(op.f("ix_parties_case_id"), "parties", ["case_id"], unique=False)
    op.create_index(op.f("ix_parties_person_id"), "parties", ["person_id"], unique=False)


def _socket_tickets() -> None:
    op.create_table(
        "socket_tickets",
        sa.Column("ticket_sha256", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("used_at", _MOMENT),
        sa.PrimaryKeyConstraint("ticket_sha256", name=op.f("pk_socket_tickets")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_socket_tickets_session_id_sessions")
        ),
    )
    op.create_index(op.f("ix_socket_tickets_session_id"), "socket_tickets", ["session_id"], unique=False)


def _representatives() -> None:
    op.create_table(
        "representatives",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("party_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("authority", sa.String(32), nullable=False),
        sa.Column("joined_at", _MOMENT, nullable=False),
        sa.Column("left_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_representatives")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_representatives_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["party_id"], ["parties.id"], name=op.f("fk_representatives_party_id_parties")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_representatives_person_id_persons")
        ),
    )
    op.create_index(op.f("ix_representatives_case_id"), "representatives", ["case_id"], unique=False)
    op.create_index(op.f("ix_representatives_party_id"), "representatives", ["party_id"], unique=False)
    op.create_index(op.f("ix_representatives_person_id"), "representatives", ["person_id"], unique=False)


_TABLES = (
    ("attempt_counters", _attempt_counters),
    ("courts", _courts),
    ("one_time_codes", _one_time_codes),
    ("case_number_counters", _case_number_counters),
    ("persons", _persons),
    ("cases", _cases),
    ("sessions", _sessions),
    ("staff_accounts", _staff_accounts),
    ("docket_entries", _docket_entries),
    ("parties", _parties),
    ("socket_tickets", _socket_tickets),
    ("representatives", _representatives),
)


def upgrade() -> None:
    for _, create in _TABLES:
        create()


def downgrade() -> None:
    for name, _ in reversed(_TABLES):
        op.drop_table(name)
