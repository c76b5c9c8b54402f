"""A server process under measurement, driven over its standard input and output with JSON lines."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Callable
from typing import Any

ANSWER_TIMEOUT_S = 30.0
_LINE_BYTES = 1 << 20  # a description of 64 sections


class Child:
    """Starts `python -m MODULE`; `ask` waits for an answer, everything else the child says goes to `on_news`."""

    def __init__(
        self, process: asyncio.subprocess.Process, on_news: Callable[[dict[str, Any]], None]
    ) -> None:
        self._process = process
        self._on_news = on_news
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, module: str, *arguments: str, on_news: Callable[[dict[str, Any]], None] = lambda news: None
    ) -> Child:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
        )
        child = cls(process, on_news)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await child._ready.wait()
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "ready" in said:
                self._ready.set()
            elif "answer" in said:
                waiting = self._waiting.pop(said["answer"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(said)
            else:
                self._on_news(said)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(RuntimeError("the child ended"))

    async def ask(self, do: str, **body: Any) -> dict[str, Any]:
        number = -1 if do == "stop" else next(self._ids)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, "id": number, **body}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return await future

    async def stop(self) -> dict[str, Any]:
        """Ask it to end; its last words."""
        try:
            last = await self.ask("stop")
            await self._process.wait()
            return last
        finally:
            self._reading.cancel()
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
