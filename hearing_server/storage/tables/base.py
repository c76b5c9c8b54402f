"""Metadata with a naming convention, and the column types every table shares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

# Names of constraints are fixed, so that migrations can speak of them on both dialects.
metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in and out: `timestamptz` on PostgreSQL, naive UTC text on SQLite. A naive value is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def key(name: str = "id", **kwargs: Any) -> sa.Column[str]:
    """A text primary key (ids are `prefix_…`, 30 characters)."""
    return sa.Column(name, sa.String(64), primary_key=True, **kwargs)


def ref(name: str, target: str, *, nullable: bool = False, index: bool = True) -> sa.Column[str]:
    """A foreign key to `table.column`; indexed, since we always come from the other side too."""
    return sa.Column(name, sa.String(64), sa.ForeignKey(target), nullable=nullable, index=index)


def moment(name: str, *, nullable: bool = False, index: bool = False) -> sa.Column[datetime]:
    """A point in time."""
    return sa.Column(name, UtcDateTime(), nullable=nullable, index=index)


def word(name: str, length: int = 32, *, nullable: bool = False) -> sa.Column[str]:
    """A short state or kind."""
    return sa.Column(name, sa.String(length), nullable=nullable)
