"""From frozen records to rows and back: names agree, so nothing is spelled twice."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

R = TypeVar("R")


def record(kind: type[R], row: sa.RowMapping, /, **overrides: Any) -> R:
    """A record of dataclass `kind` from the columns of the same names; `overrides` replace some."""
    names = [field.name for field in fields(cast(Any, kind))]
    return kind(**{name: overrides[name] if name in overrides else row[name] for name in names})


def values(item: object, **overrides: Any) -> dict[str, Any]:
    """Column values of a record: its fields by name, enums as their words."""
    found: dict[str, Any] = {}
    for field in fields(cast(Any, item)):
        value = overrides[field.name] if field.name in overrides else getattr(item, field.name)
        found[field.name] = value.value if isinstance(value, Enum) else value
    return found


async def insert(db: AsyncConnection, table: sa.Table, item: object, **overrides: Any) -> None:
    """Insert one record; fields without a column are left out."""
    row = {name: value for name, value in values(item, **overrides).items() if name in table.c}
    await db.execute(table.insert().values(**row))


async def first(db: AsyncConnection, statement: sa.Executable) -> sa.RowMapping | None:
    """The first row as a mapping, or None."""
    result = await db.execute(statement)
    return result.mappings().first()


def upsert(db: AsyncConnection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that knows `on_conflict_…` in the dialect at hand."""
    return sqlite.insert(table) if db.dialect.name == "sqlite" else postgresql.insert(table)
