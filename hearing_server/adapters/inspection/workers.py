"""`ports.attachments.Inspection` over inspecting processes: started at need, watched, ended with everything they began.

A process that dies or takes too long over a file is replaced; the file is tried once more with a fresh one, because
the first may have been spoilt by another file, and refused when that one goes the same way.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hearing_server.domain.case_space.attachments import AttachmentKind, Refusal
from hearing_server.errors import Unavailable
from hearing_server.ports.attachments import Inspected, RefusedFile

_log = logging.getLogger(__name__)
_PROGRAM = "hearing_server.adapters.inspection.worker"
_START_S = 60.0
# A process is replaced after so many files: what a decoder leaks never grows up.
_FILES_A_LIFE = 200
_LINE_BYTES = 1 << 16


class _Gone(Exception):
    """The process died, or had to be ended; `too_slow` says which."""

    def __init__(self, *, too_slow: bool) -> None:
        super().__init__()
        self.too_slow = too_slow


class _Worker:
    """One process and our end of its socket. Its methods block."""

    def __init__(self, memory_bytes: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._line = ours
        self.files = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", _PROGRAM, str(theirs.fileno()), str(memory_bytes)],
            pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            # What a decoder may read of our environment is the way to its libraries and nothing else.
            env={name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
            | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        theirs.close()
        try:
            ready = self._read(_START_S)
        except BaseException:
            self.end()
            raise
        if ready.get("network"):
            _log.info("files are looked into without a network of their own: namespaces are not allowed here")

    def ask(self, asked: dict[str, Any], descriptor: int, *, seconds: float) -> dict[str, Any]:
        """Errors: _Gone."""
        self.files += 1
        try:
            socket.send_fds(self._line, [json.dumps(asked).encode()], [descriptor])
        except OSError as error:
            raise _Gone(too_slow=False) from error
        return self._read(seconds)

    def end(self) -> None:
        """With everything it began."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self._process.kill()
        self._process.wait()
        self._line.close()

    def _read(self, seconds: float) -> dict[str, Any]:
        self._line.settimeout(seconds)
        data = b""
        try:
            while not data.endswith(b"\n"):
                piece = self._line.recv(_LINE_BYTES)
                if not piece or len(data) > _LINE_BYTES:
                    raise _Gone(too_slow=False)
                data += piece
            said = json.loads(data)
        except TimeoutError as error:
            raise _Gone(too_slow=True) from error
        except (OSError, ValueError) as error:
            raise _Gone(too_slow=False) from error
        if not isinstance(said, dict):
            raise _Gone(too_slow=False)
        return said


class InspectionWorkers:
    """So many processes at a time; each is somebody's alone while it looks."""

    def __init__(self, *, processes: int, memory_bytes: int, seconds: float, office: str) -> None:
        self._turns = asyncio.Semaphore(processes)
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._memory_bytes = memory_bytes
        self._seconds = seconds
        self._office = (shutil.which(office) or "") if office else ""
        self._is_stopping = False

    @property
    def has_office(self) -> bool:
        """Whether pages of office documents can be drawn here."""
        return bool(self._office)

    async def stop(self) -> None:
        """End all processes."""
        self._is_stopping = True
        for worker in (*self._idle, *self._busy):
            await asyncio.to_thread(worker.end)
        self._idle.clear()

    async def look(self, source: int, *, name: str, work: Path) -> Inspected:
        asked = {"do": "look", "work": str(work), "name": name, "office": self._office}
        said = await self._ask(asked, source)
        texts = await asyncio.to_thread(_read_texts, work / "texts.json")
        return _inspected(said, texts, work)

    async def page(self, source: int, *, page: int, work: Path) -> tuple[Path, int, int]:
        said = await self._ask({"do": "page", "work": str(work), "page": page}, source)
        return _inside(said["file"], work), int(said["width"]), int(said["height"])

    async def _ask(self, asked: dict[str, Any], source: int) -> dict[str, Any]:
        async with self._turns:
            for attempt in (1, 2):
                try:
                    said = await self._ask_one(asked, source)
                except _Gone as gone:
                    _log.warning("an inspecting process was lost", extra={"too_slow": gone.too_slow})
                    if gone.too_slow:
                        raise RefusedFile(Refusal.TOO_SLOW) from gone
                    if attempt == 2:
                        raise RefusedFile(Refusal.UNREADABLE, "the process died") from gone
                    continue
                if "refused" in said:
                    raise RefusedFile(Refusal(said["refused"]), str(said.get("detail", "")))
                return said
        raise AssertionError("two attempts end above")

    async def _ask_one(self, asked: dict[str, Any], source: int) -> dict[str, Any]:
        worker = self._idle.pop() if self._idle else await self._begin()
        self._busy.add(worker)
        is_well = False
        try:
            said = await _in_thread(lambda: worker.ask(asked, source, seconds=self._seconds), worker.end)
            is_well = worker.files < _FILES_A_LIFE and not self._is_stopping
            return said
        finally:
            self._busy.discard(worker)
            if is_well:
                self._idle.append(worker)
            else:
                await asyncio.to_thread(worker.end)

    async def _begin(self) -> _Worker:
        if self._is_stopping:
            raise _down()
        try:
            return await asyncio.to_thread(_Worker, self._memory_bytes)
        except (_Gone, OSError) as error:
            # Not the file's fault: it waits.
            _log.exception("no inspecting process can be started")
            raise _down() from error


async def _in_thread(work: Callable[[], dict[str, Any]], end: Callable[[], None]) -> dict[str, Any]:
    """A wait that was given up ends the process, so that the thread comes back."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        end()
        await asyncio.gather(running, return_exceptions=True)
        raise


def _inspected(said: dict[str, Any], texts: tuple[str, ...], work: Path) -> Inspected:
    """The process is not believed either: words are checked, files lie in the folder it was given."""
    try:
        return Inspected(
            kind=AttachmentKind(said["kind"]),
            media_type=str(said["media_type"])[:100],
            width=max(0, int(said["width"])),
            height=max(0, int(said["height"])),
            pages=max(0, int(said["pages"])),
            duration_ms=max(0, int(said["duration_ms"])),
            waveform=tuple(min(100, max(0, int(one))) for one in said["waveform"][:64]),
            findings=tuple(str(one)[:32] for one in said["findings"][:20]),
            texts=texts,
            preview=_inside(said["preview"], work) if said["preview"] else None,
            rendition=_inside(said["rendition"], work) if said["rendition"] else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedFile(Refusal.UNREADABLE, "answer") from error


def _inside(path: str, work: Path) -> Path:
    """A plain file of the work folder itself, and no link to anywhere else."""
    found = Path(path)
    if found.parent != work or found.is_symlink() or not found.is_file():
        raise RefusedFile(Refusal.UNREADABLE, "answer")
    return found


def _read_texts(path: Path) -> tuple[str, ...]:
    try:
        if path.is_symlink():
            return ()
        said = json.loads(path.read_text("utf-8", "replace"))
    except (OSError, ValueError):
        return ()
    return tuple(str(one) for one in said) if isinstance(said, list) else ()


def _down() -> Unavailable:
    return Unavailable(
        "inspection.down",
        zh="文件检查服务暂不可用，文件已安全收到，稍后自动检查",
        en="Files can't be checked right now; yours is safe here and will be checked later",
    )
