"""`hearing-server serve --no-rooms` as processes of their own, to be killed; and how long words take between them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bench.chat_world import Member
from bench.court import free_port
from hearing_server.robots.chat.line import LineDown
from hearing_server.robots.chat.member import ChatMember, Door

# A start is a second and a half of work; beside seven other test processes that is half a minute.
_START_S = 90.0


class ServerProcess:
    """One `serve --no-rooms`; keeps its port over a kill."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._environment = {
            **os.environ,
            "HEARING_STORAGE__DATABASE_URL": database_url,
            "HEARING_STORAGE__REDIS_URL": redis_url,
            "HEARING_SERVER__RUNS_JOBS": "false",
        }
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Returns when it serves."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hearing_server", "serve", "--no-rooms",
            "--data", str(self._folder), "--port", str(self.port),
            stdout=asyncio.subprocess.PIPE, env=self._environment,
        )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(_START_S):
            line = await self._process.stdout.readline()
        if not line.startswith(b"serving on"):
            raise RuntimeError("the server did not start")

    async def kill(self) -> None:
        """As a power cut does."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 15)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


@asynccontextmanager
async def server_processes(
    folder: Path, *, count: int, database_url: str, redis_url: str
) -> AsyncIterator[list[ServerProcess]]:
    """So many, started together."""
    servers = [ServerProcess(folder, database_url, redis_url) for _ in range(count)]
    try:
        await asyncio.gather(*(server.start() for server in servers))
        yield servers
    finally:
        await asyncio.gather(*(server.stop() for server in servers))


class Delays:
    """How long from the first try of a post until each member had it; the text carries when that was."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def heard(self, _: ChatMember, event: dict[str, Any]) -> None:
        if event["type"] == "text":
            self._seconds.append(time.monotonic() - float(event["body"]["text"]))

    def begin(self) -> None:
        """Forget what was; a new phase begins."""
        self._seconds = []

    def __len__(self) -> int:
        return len(self._seconds)

    def at(self, share: float) -> float:
        """The delay that `share` of all deliveries stayed below, seconds."""
        ordered = sorted(self._seconds) or [0.0]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def stamp() -> str:
    """The text of a post made now."""
    return f"{time.monotonic():.6f}"


class Doors:
    """Where each person knocks: the server of their place, another when that one doesn't answer, as behind a proxy."""

    def __init__(self, servers: Sequence[ServerProcess], http: aiohttp.ClientSession) -> None:
        self._servers = servers
        self._http = http
        self._moves: dict[str, int] = {}

    def move(self, name: str) -> None:
        """The next connection goes to the next server."""
        self._moves[name] = self._moves.get(name, 0) + 1

    def of(self, person: Member, place: int) -> Door:
        async def door() -> tuple[str, str]:
            server = self._servers[(place + self._moves.get(person.name, 0)) % len(self._servers)]
            try:
                async with self._http.post(
                    f"{server.url}/api/v1/socket-tickets",
                    json={},
                    headers={"Cookie": f"hs_session={person.token}"},
                    timeout=aiohttp.ClientTimeout(total=10),
                ) as answer:
                    answer.raise_for_status()
                    return server.url, str((await answer.json())["ticket"])
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self.move(person.name)
                raise LineDown from error

        return door
