"""SegmentMaker over `python -m recorder.delivery.live_hls`: a short process whenever a running film has grown."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from pathlib import Path

from hearing_server.adapters.films import film_path
from hearing_server.ports.broadcasts import LiveSegment
from recorder.delivery.live_hls import INDEX_NAME
from recorder.film.pieces import index_path

_log = logging.getLogger(__name__)
# Copying a piece takes a fraction of a second; a hearing that was long already when this began takes more.
_TIMEOUT_S = 120.0


class ProcessSegments:
    """`ports.broadcasts.SegmentMaker`."""

    def __init__(self) -> None:
        self._made: dict[Path, int] = {}
        self._alone = asyncio.Lock()

    async def make(self, folder: Path) -> None:
        film = film_path(folder)
        async with self._alone:
            grown = await asyncio.to_thread(_changed_ns, index_path(film))
            if grown is None or self._made.get(folder) == grown:
                return
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "recorder.delivery.live_hls", str(folder), str(film), str(_out(folder)),
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    code = await process.wait()
            except TimeoutError:
                code = -1
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
            if code == 0:
                self._made[folder] = grown
            else:
                _log.warning("live segments not made", extra={"code": code})

    async def ready(self, folder: Path) -> tuple[LiveSegment, ...]:
        return await asyncio.to_thread(_read, _out(folder))


def _out(folder: Path) -> Path:
    return folder / "live"


def _changed_ns(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _read(out: Path) -> tuple[LiveSegment, ...]:
    try:
        content = json.loads((out / INDEX_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(
        LiveSegment(one["number"], out / one["name"], one["duration_s"], int(one["until_utc_ns"]))
        for one in content["segments"]
    )
