"""Repositories and migrations on real SQLite and PostgreSQL."""
