"""ContentCheck over `python -m recorder.content.content_check`: one child for all recordings, started at need."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hearing_server.domain.recording.content_rules import LineSeen, PieceSeen
from hearing_server.kernel import PersonId

_log = logging.getLogger(__name__)
# A piece takes 20 ms of processor; at least priority on a busy machine that may be seconds.
_ANSWER_S = 20.0
_START_S = 60.0
# Six people with three sources each are 4 kB a piece.
_LINE_BYTES = 1 << 20
# A child that died is not started again at once: a piece that kills it would do so for ever.
_REST_S = 5.0


class ContentChild:
    """`ports.failures.ContentCheck`."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()
        self._not_before_s = 0.0
        self.spent_ms = 0.0  # processor time of the child over all answers

    async def look(self, folder: Path, *, after: int, listen_to: Iterable[PersonId]) -> tuple[PieceSeen, ...]:
        asked = {"folder": str(folder), "after": after, "listen_to": sorted(listen_to)}
        async with self._one_at_a_time:
            try:
                said = await self._ask(asked)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                _log.warning("content check gone: %s", type(error).__name__)
                await self._end()
                return ()
        self.spent_ms += float(said.get("spent_ms", 0.0))
        return tuple(_piece(piece) for piece in said.get("pieces", ()))

    async def stop(self) -> None:
        async with self._one_at_a_time:
            await self._end()

    async def _ask(self, asked: dict[str, object]) -> dict[str, Any]:
        process = self._process or await self._start()
        assert process.stdin is not None
        async with asyncio.timeout(_ANSWER_S):
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            await process.stdin.drain()
            return await self._line(process)

    async def _start(self) -> asyncio.subprocess.Process:
        now_s = asyncio.get_running_loop().time()
        if now_s < self._not_before_s:
            raise EOFError
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "recorder.content.content_check",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            limit=_LINE_BYTES,
            # What a decoder may read of our environment is the way to its libraries and nothing else.
            env={name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "HOME") if name in os.environ},
        )  # fmt: skip
        async with asyncio.timeout(_START_S):
            ready = await self._line(process)
        if ready.get("network"):
            _log.info("content check runs without a network of its own: namespaces are not allowed here")
        return process

    async def _line(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise EOFError
        said = json.loads(line)
        if not isinstance(said, dict):
            raise TypeError
        return said

    async def _end(self) -> None:
        process, self._process = self._process, None
        self._not_before_s = asyncio.get_running_loop().time() + _REST_S
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _piece(said: dict[str, Any]) -> PieceSeen:
    lines = tuple(
        LineSeen(
            person_id=PersonId(line["identity"]),
            source=line["source"],
            packets=line["packets"],
            peak_dbfs=line["peak_dbfs"],
            broken=line["broken"],
            is_still=line["is_still"],
        )
        for line in said["lines"]
    )
    return PieceSeen(said["segment"], _utc(said["from_utc_ns"]), _utc(said["until_utc_ns"]), lines)


def _utc(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 1000 / 1e6, UTC)
