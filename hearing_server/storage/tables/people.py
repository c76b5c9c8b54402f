"""People, how they sign in, and the links that invite them."""

from __future__ import annotations

import sqlalchemy as sa

from hearing_server.storage.tables.base import key, metadata, moment, ref, word

courts = sa.Table(
    "courts",
    metadata,
    key(),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("name_en", sa.String(160), nullable=False),
    sa.Column("code", sa.String(16), nullable=False),  # 法院代字
    sa.Column("time_zone", sa.String(64), nullable=False),
)

persons = sa.Table(
    "persons",
    metadata,
    key(),
    ref("court_id", "courts.id"),
    word("kind"),  # natural | legal | staff
    sa.Column("name", sa.String(120), nullable=False),
    # Sealed texts can be opened by the server only; indexes are keyed hashes, equal for equal texts.
    sa.Column("phone_sealed", sa.LargeBinary),
    sa.Column("phone_index", sa.String(64), index=True),
    sa.Column("phone_masked", sa.String(32)),
    sa.Column("id_number_sealed", sa.LargeBinary),
    sa.Column("id_number_index", sa.String(64)),
    sa.Column("id_masked", sa.String(32)),
    moment("created_at"),
    sa.UniqueConstraint("court_id", "id_number_index"),
)

staff_accounts = sa.Table(
    "staff_accounts",
    metadata,
    sa.Column("person_id", sa.String(64), sa.ForeignKey("persons.id"), primary_key=True),
    sa.Column("username", sa.String(64), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(200), nullable=False),
    word("role"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    key(),
    sa.Column("token_sha256", sa.String(64), nullable=False, unique=True),
    ref("person_id", "persons.id"),
    word("role"),
    word("method"),  # password | phone_code | join_link
    moment("created_at"),
    moment("expires_at"),
    moment("ended_at", nullable=True),
)

socket_tickets = sa.Table(
    "socket_tickets",
    metadata,
    sa.Column("ticket_sha256", sa.String(64), primary_key=True),
    ref("session_id", "sessions.id"),
    moment("expires_at"),
    moment("used_at", nullable=True),
)

one_time_codes = sa.Table(
    "one_time_codes",
    metadata,
    key(),
    # What the code opens: `phone:INDEX` or `link:TOKEN_SHA256`. Only the newest of a subject counts.
    sa.Column("subject", sa.String(96), nullable=False, index=True),
    sa.Column("code_hash", sa.String(64), nullable=False),
    moment("created_at"),
    moment("expires_at"),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    moment("used_at", nullable=True),
)

invitations = sa.Table(
    "invitations",
    metadata,
    key(),
    sa.Column("token_sha256", sa.String(64), nullable=False, unique=True),
    ref("hearing_id", "hearings.id"),
    ref("person_id", "persons.id"),
    moment("created_at"),
    moment("expires_at"),
    moment("ended_at", nullable=True),
    moment("last_used_at", nullable=True),
)

attempt_counters = sa.Table(
    "attempt_counters",
    metadata,
    # `code:phone:…`, `sign_in:net:…`: how often within the window that began at `since`.
    sa.Column("name", sa.String(160), primary_key=True),
    moment("since"),
    sa.Column("count", sa.Integer, nullable=False),
)
