"""FilmMaker over `python -m recorder.film.compose`: a process of its own, low priority, killed with its task."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

from hearing_server.errors import Conflict, Unavailable
from hearing_server.ports.media import FilmMade
from recorder.durable import Disk

_log = logging.getLogger(__name__)
_FILM, _POSTER = "film.mp4", "poster.jpg"
# A line of progress is short; a longer one is a broken composer.
_LINE_BYTES = 64 * 1024
_COPY_BYTES = 1 << 20
# The piece in hand is given up, not finished.
_FREE_WITHIN_S = 8.0
_LOOK_AGAIN_S = 0.2
_DISK = Disk()


class ProcessFilms:
    """`ports.media.FilmMaker`."""

    async def compose(
        self,
        folder: Path,
        *,
        labels: Mapping[str, object],
        redactions: Mapping[str, object],
        progress: Callable[[int], Awaitable[None]],
    ) -> FilmMade:
        film = film_path(folder)
        await asyncio.to_thread(_DISK.make_folder, film.parent)
        await _until_free(film.parent)
        with _alone(film.parent):
            made = await self._compose(folder, film, labels, redactions, progress)
            await _run("recorder.delivery.poster", str(film), str(film.with_name(_POSTER)))
            return made

    async def copy(
        self, folder: Path, target: Path, *, labels: Mapping[str, object], redactions: Mapping[str, object]
    ) -> FilmMade:
        await asyncio.to_thread(_DISK.make_folder, target.parent)
        with _alone(target.parent):
            made = await self._compose(folder, target, labels, redactions, _untold)
            await _run("recorder.delivery.poster", str(target), str(target.with_suffix(".jpg")))
            return made

    async def track(
        self,
        folder: Path,
        target: Path,
        *,
        labels: Mapping[str, object],
        redactions: Mapping[str, object],
        progress: Callable[[int], Awaitable[None]],
    ) -> FilmMade:
        await asyncio.to_thread(_DISK.make_folder, target.parent)
        with _alone(target.parent):
            return await self._compose(folder, target, labels, redactions, progress)

    async def duplicate(self, film: Path, target: Path, *, duration_s: float) -> FilmMade:
        await asyncio.to_thread(_DISK.make_folder, target.parent)
        with _alone(target.parent):
            await asyncio.to_thread(_duplicate, film, target)
            with contextlib.suppress(FileNotFoundError):
                await asyncio.to_thread(_duplicate, film.with_name(_POSTER), target.with_suffix(".jpg"))
            sha256, size_bytes = await asyncio.to_thread(_digest, target)
        return FilmMade(target, duration_s, size_bytes, sha256)

    async def _compose(
        self,
        folder: Path,
        film: Path,
        labels: Mapping[str, object],
        redactions: Mapping[str, object],
        progress: Callable[[int], Awaitable[None]],
    ) -> FilmMade:
        with tempfile.TemporaryDirectory() as scratch:
            words, hidden = Path(scratch) / "labels.json", Path(scratch) / "redactions.json"
            words.write_text(json.dumps(labels, ensure_ascii=False), "utf-8")
            hidden.write_text(json.dumps(redactions, ensure_ascii=False), "utf-8")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "recorder.film.compose", str(folder), str(film),
                "--labels", str(words), "--redactions", str(hidden), "--progress",
                "--pieces", str(film_path(folder).with_name("pieces")),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, limit=_LINE_BYTES,
            )  # fmt: skip
            try:
                last = await _follow(process, progress)
                code = await process.wait()
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        if code != 0:
            raise Unavailable("film.failed", zh="影像合成失败", en=str(last.get("code") or f"exit {code}"))
        sha256, size_bytes = await asyncio.to_thread(_digest, film)
        return FilmMade(film, float(str(last.get("duration_s", 0))), size_bytes, sha256)


def film_path(folder: Path) -> Path:
    """Where the court's own film of the recording in `folder` lies."""
    return folder / "film" / _FILM


async def _until_free(folder: Path) -> None:
    """Who made pieces while the hearing ran lets go now; whoever else holds the film is told of by `_alone`."""
    until_s = time.monotonic() + _FREE_WITHIN_S
    while time.monotonic() < until_s:
        descriptor = _DISK.lock(folder / ".lock")
        if descriptor is not None:
            _DISK.close(descriptor)
            return
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _untold(_: int) -> None:
    """Nobody watches the progress."""


def _duplicate(source: Path, target: Path) -> None:
    """The same bytes in a file of its own: whatever happens to the film later, this one stays as it was approved."""
    partial = target.with_name(f".{target.name}.part")
    try:
        with source.open("rb") as read:
            _DISK.write_file(partial, iter(lambda: read.read(_COPY_BYTES), b""))
        _DISK.publish(partial, target)
    finally:
        _DISK.discard(partial)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One composer per film, whichever process it is in; the lock dies with its process."""
    descriptor = _DISK.lock(folder / ".lock")
    if descriptor is None:
        raise Conflict("film.in_work", zh="影像正在合成", en="The film is being composed")
    try:
        yield
    finally:
        _DISK.close(descriptor)


async def _run(module: str, *arguments: str) -> None:
    """A short tool of the recorder; a film without its poster is still a film."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    if await process.wait() != 0:
        _log.warning("tool failed", extra={"tool": module})


async def _follow(
    process: asyncio.subprocess.Process, progress: Callable[[int], Awaitable[None]]
) -> dict[str, object]:
    """Hand the progress on; the last line the composer said."""
    assert process.stdout is not None
    last: dict[str, object] = {}
    async for line in process.stdout:
        try:
            said = json.loads(line)
        except ValueError:
            _log.warning("unreadable line of the composer")
            continue
        if isinstance(said, dict):
            last = said
            if isinstance(said.get("progress"), int | float):
                await progress(round(float(said["progress"]) * 1000))
    return last


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return digest.hexdigest(), path.stat().st_size
