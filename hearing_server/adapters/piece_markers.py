"""PieceMarker over `python -m recorder.delivery.watermark`: a few workers that stay, started when first needed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hearing_server.errors import NotFound, Unavailable

# More viewers than this ask at one moment: a player asks again, and hearings keep their processor.
_WAITING_PER_WORKER = 12
# A piece takes two seconds on a quiet machine; one that takes so long hangs.
_PIECE_S = 60.0
_LARGEST_PIECE_BYTES = 64 << 20


class MarkerWorkers:
    """`ports.replays.PieceMarker`. Close it with `stop`."""

    def __init__(self, workers: int) -> None:
        self._turns = asyncio.Semaphore(workers)
        self._idle: list[asyncio.subprocess.Process] = []
        self._most_waiting = workers * _WAITING_PER_WORKER
        self._waiting = 0

    async def piece(
        self, film: Path, *, from_s: float, seconds: float, text: str, height_px: int = 0
    ) -> bytes:
        if self._waiting >= self._most_waiting:
            raise Unavailable(
                "replay.busy", zh="观看的人较多，请稍候", en="Many people are watching; please wait a moment"
            )
        self._waiting += 1
        try:
            async with self._turns:
                where = {"film": str(film), "from_s": from_s, "seconds": seconds}
                return await self._ask(json.dumps({**where, "text": text, "height_px": height_px}))
        finally:
            self._waiting -= 1

    async def stop(self) -> None:
        while self._idle:
            await _end(self._idle.pop())

    async def _ask(self, line: str) -> bytes:
        async with self._worker() as process:
            assert process.stdin is not None
            assert process.stdout is not None
            async with asyncio.timeout(_PIECE_S):
                process.stdin.write(line.encode() + b"\n")
                await process.stdin.drain()
                answer = json.loads(await process.stdout.readline())
                if not answer["ok"]:
                    raise NotFound if answer["code"] == "replay.no_such_piece" else _failed()
                if not 0 < answer["bytes"] <= _LARGEST_PIECE_BYTES:
                    raise ValueError("piece size")
                return await process.stdout.readexactly(answer["bytes"])

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """One that waits, else a new one. Whatever goes wrong with it ends it; the next request gets another."""
        alive = [process for process in self._idle if process.returncode is None]
        self._idle = alive[1:]
        process = alive[0] if alive else await _start()
        is_sound = False
        try:
            yield process
            is_sound = True
        except NotFound:
            is_sound = True
            raise
        except (OSError, ValueError, KeyError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise _failed() from error
        finally:
            if is_sound and process.returncode is None:
                self._idle.append(process)
            else:
                await asyncio.shield(_end(process))


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "recorder.delivery.watermark",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _failed() -> Unavailable:
    return Unavailable(
        "replay.failed", zh="影像暂时无法播放，请稍后再试", en="It can't be played now; please try again"
    )
