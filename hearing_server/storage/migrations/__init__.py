"""Alembic migrations: how a court's database grows from release to release, on both dialects."""
