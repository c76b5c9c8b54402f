"""SQLAlchemy Core on SQLite or PostgreSQL: tables, repositories, unit of work, migrations."""
