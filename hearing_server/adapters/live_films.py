"""PieceMaker over `python -m recorder.film.compose --while-recording`: one quiet child process per running recording.

Together the children take at most a share of one core. A loop that wakes late is a room that waits: then they pause,
and go on when it has been calm for a while. A child whose server dies reads the end of its input and ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hearing_server.adapters.films import film_path
from recorder.durable import Disk

_log = logging.getLogger(__name__)
# A wake-up later than this delays packets and clicks alike; an idle loop is 1 ms late.
LATE_S = 0.08
CALM_S = 5.0
_LOOK_S = 0.25
# A child finishes the frame in hand and ends; longer, and it hangs.
_STOP_S = 5.0
_DISK = Disk()


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process
    lock: int
    facts: tuple[str, str]
    share: float = -1.0


class ProcessPieces:
    """`ports.media.PieceMaker`. `share`: of one core, for all children together."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._children: dict[Path, _Child] = {}
        self._pressed_until_s = 0.0
        self._watching: asyncio.Task[None] | None = None

    @property
    def folders(self) -> frozenset[Path]:
        """Recordings whose film is made now."""
        return frozenset(self._children)

    @property
    def is_pressed(self) -> bool:
        """The rooms need the machine; nothing is composed."""
        return self._clock() < self._pressed_until_s

    async def make(
        self, folder: Path, *, labels: Mapping[str, object], redactions: Mapping[str, object]
    ) -> None:
        """See `ports.media.PieceMaker`."""
        facts = (json.dumps(labels, ensure_ascii=False), json.dumps(redactions))
        child = self._children.get(folder)
        if child is not None and child.process.returncode is not None:
            _log.warning("composing while recording ended", extra={"code": child.process.returncode})
            self._forget(folder)
            child = None
        if child is None:
            await self._start(folder, facts)
        elif child.facts != facts:
            child.facts = facts
            self._tell(child, {"labels": labels, "redactions": redactions})
        self._deal()

    async def stop(self, folder: Path) -> None:
        """See `ports.media.PieceMaker`."""
        child = self._children.get(folder)
        if child is None:
            return
        try:
            self._tell(child, {"stop": True})
            try:
                async with asyncio.timeout(_STOP_S):
                    await child.process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    child.process.kill()
                await child.process.wait()
        finally:
            self._forget(folder)
        self._deal()

    async def close(self) -> None:
        """The process ends: so do the children; their pieces stay."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        for folder in tuple(self._children):
            await self.stop(folder)

    def press(self) -> None:
        """The rooms are late: wait until it has been calm for `CALM_S`."""
        self._pressed_until_s = self._clock() + CALM_S
        self._deal()

    async def _start(self, folder: Path, facts: tuple[str, str]) -> None:
        film = film_path(folder)
        await asyncio.to_thread(_DISK.make_folder, film.parent)
        lock = _DISK.lock(film.parent / ".lock")
        if lock is None:
            return  # somebody composes this film; at the next look it may be free
        try:
            process = await self._spawn(folder, film, facts)
        except BaseException:
            _DISK.close(lock)
            raise
        self._children[folder] = _Child(process, lock, facts)
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="film-pressure")

    async def _spawn(self, folder: Path, film: Path, facts: tuple[str, str]) -> asyncio.subprocess.Process:
        with tempfile.TemporaryDirectory() as scratch:
            words = Path(scratch) / "labels.json"
            words.write_text(facts[0], "utf-8")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "recorder.film.compose", str(folder), str(film),
                "--labels", str(words), "--while-recording",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert process.stdout is not None
            # Its first line says that it has read its files and heard nothing yet.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(60):
                    await process.stdout.readline()
        assert process.stdin is not None
        process.stdin.write(json.dumps({"redactions": json.loads(facts[1])}).encode() + b"\n")
        return process

    def _deal(self) -> None:
        """Give every child its part of the share."""
        part = 0.0 if self.is_pressed else self._share / max(len(self._children), 1)
        for child in self._children.values():
            if child.share != part:
                child.share = part
                self._tell(child, {"share": part})

    def _tell(self, child: _Child, order: dict[str, Any]) -> None:
        assert child.process.stdin is not None
        with contextlib.suppress(ConnectionError, RuntimeError):
            child.process.stdin.write(json.dumps(order, ensure_ascii=False).encode() + b"\n")

    def _forget(self, folder: Path) -> None:
        _DISK.close(self._children.pop(folder).lock)

    async def _watch(self) -> None:
        """Is the loop late? What children print is read away, so that none waits on a full pipe."""
        readers: dict[Path, asyncio.Task[None]] = {}
        while True:
            for folder, child in self._children.items():
                if folder not in readers or readers[folder].done():
                    readers[folder] = asyncio.create_task(_read_away(child.process), name="film-pieces")
            due_s = time.monotonic() + _LOOK_S
            await asyncio.sleep(_LOOK_S)
            if time.monotonic() - due_s > LATE_S:
                self.press()
            elif not self.is_pressed:
                self._deal()


async def _read_away(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError):
        while await process.stdout.readline():
            pass
