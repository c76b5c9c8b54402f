"""`ports.attachments.UploadSpool` in a local folder: one sealed file per upload, one writer at a time.

A writer whose line went silent is moved aside by the next one: a phone that changes its network comes back on a new
connection long before the old one is known to be dead.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from hearing_server.adapters.uploads.part_file import Mark, PartFile
from hearing_server.adapters.uploads.records import ForeignFile
from hearing_server.errors import DiskFull, HearingError, Locked, NotFound, Unavailable
from recorder.durable import Disk

_log = logging.getLogger(__name__)
T = TypeVar("T")
_SUFFIX = ".part"
# A line that carried nothing for so long may be dead: whoever comes next takes the upload over.
_LIVELY_S = 2.0
# How long the newcomer waits for the one who was moved aside.
_HAND_OVER_S = 5.0
_NOTICED_S = 0.5
# Hashes of uploads under way, 200 bytes each; a forgotten one is read again from its file.
_KEPT_MARKS = 1000
_THREADS = 4
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class KeySource(Protocol):
    """Where the key of a case comes from; None: uploads lie in the clear."""

    async def sealing_key(self, case_id: str) -> bytes | None: ...


class _Writer:
    """Who has an upload open now."""

    def __init__(self, task: asyncio.Task[object] | None) -> None:
        self.task = task
        self.last_s = time.monotonic()
        self.gone = asyncio.Event()


class SpooledUpload:
    """`ports.attachments.Upload` over a `PartFile`; every call runs in a thread, one at a time."""

    def __init__(self, part: PartFile, writer: _Writer, scratch: Path, pool: Executor) -> None:
        self._pool = pool
        self._part = part
        self._writer = writer
        self._scratch = scratch
        self._turn = asyncio.Lock()

    @property
    def size_bytes(self) -> int:
        return self._part.size_bytes

    async def write(self, data: bytes, *, tentative: bool = False) -> None:
        self._writer.last_s = time.monotonic()
        await self._run(lambda: self._part.write(data, tentative=tentative))

    async def confirm(self) -> None:
        await self._run(self._part.confirm)

    async def drop_tentative(self) -> None:
        await self._run(self._part.drop_tentative)

    async def settle(self) -> None:
        await self._run(self._part.settle)

    async def sha256(self) -> str:
        return await self._run(self._part.sha256)

    async def read(self) -> AsyncIterator[bytes]:
        pieces = self._part.read()
        while piece := await self._run(lambda: next(pieces, b"")):
            yield piece

    async def head(self, size_bytes: int) -> bytes:
        def first() -> bytes:
            found = bytearray()
            for piece in self._part.read():
                found += piece
                if len(found) >= size_bytes:
                    break
            return bytes(found[:size_bytes])

        return await self._run(first)

    async def open_plain(self) -> int:
        return await self._run(lambda: plain_file(self._part.read(), self._scratch))

    async def close(self) -> Mark:
        """The running thread is waited for: a cancelled request must not leave a writer behind."""
        async with self._turn:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._part.close)

    async def _run(self, work: Callable[[], T]) -> T:
        async with self._turn:
            running = asyncio.get_running_loop().run_in_executor(self._pool, work)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                # The thread can't be stopped; the file is let go of after it.
                with suppress(Exception):
                    await running
                raise
            except OSError as error:
                raise told(error) from error


class FolderSpool:
    """Half-sent files in `folder`. Several servers may share it over a file system that locks."""

    def __init__(self, folder: Path, keys: KeySource, *, disk: Disk | None = None) -> None:
        self._folder = folder
        self._keys = keys
        self._disk = disk or Disk()
        # Threads of its own: a slow disk holds up uploads and nothing else.
        self._pool = ThreadPoolExecutor(_THREADS, "upload")
        self._marks: OrderedDict[str, Mark] = OrderedDict()
        self._writers: dict[str, _Writer] = {}

    async def create(self, upload_id: str, *, case_id: str) -> None:
        key = await self._keys.sealing_key(case_id)
        path = self._path(upload_id)
        await _in_thread(lambda: PartFile.create(path, key, upload_id, disk=self._disk))

    async def bytes_at_rest(self, upload_id: str) -> int | None:
        def size_bytes() -> int | None:
            try:
                return self._disk.size_bytes(self._path(upload_id))
            except OSError:
                return None

        return await asyncio.to_thread(size_bytes)

    @asynccontextmanager
    async def open(
        self, upload_id: str, *, case_id: str, yields: bool = True
    ) -> AsyncIterator[SpooledUpload]:
        key = await self._keys.sealing_key(case_id)
        await self._move_aside(upload_id)
        writer = self._writers[upload_id] = _Writer(asyncio.current_task() if yields else None)
        try:
            part = await self._open_part(upload_id, key)
            upload = SpooledUpload(part, writer, self._folder, self._pool)
            try:
                yield upload
            finally:
                await _to_the_end(self._let_go(upload_id, upload))
        finally:
            writer.gone.set()
            if self._writers.get(upload_id) is writer:
                del self._writers[upload_id]

    async def remove(self, upload_id: str) -> None:
        self._marks.pop(upload_id, None)
        await _in_thread(lambda: self._disk.remove(self._path(upload_id)))

    async def free_bytes(self) -> int:
        def free() -> int:
            self._disk.make_folder(self._folder)
            return self._disk.free_bytes(self._folder)

        return await _in_thread(free)

    async def sweep(self, keep: set[str]) -> int:
        def old() -> int:
            gone = 0
            for path in self._folder.glob(f"*{_SUFFIX}") if self._folder.is_dir() else ():
                # A row is written right after its file: a young file without one is on its way.
                with suppress(OSError):
                    if path.stem not in keep and time.time() - path.stat().st_mtime > 3600:
                        self._disk.discard(path)
                        gone += 1
            return gone

        return await asyncio.to_thread(old)

    async def ids(self) -> set[str]:
        """What lies here."""

        def found() -> set[str]:
            return (
                {path.stem for path in self._folder.glob(f"*{_SUFFIX}")} if self._folder.is_dir() else set()
            )

        return await asyncio.to_thread(found)

    def _path(self, upload_id: str) -> Path:
        """Ids are ours, but they come in an address."""
        if not upload_id.replace("_", "").isalnum() or not upload_id.isascii():
            raise NotFound
        return self._folder / f"{upload_id}{_SUFFIX}"

    async def _open_part(self, upload_id: str, key: bytes | None) -> PartFile:
        mark = self._marks.pop(upload_id, None)
        path = self._path(upload_id)
        opening = asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: PartFile(path, key, upload_id, mark=mark, disk=self._disk)
        )
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            with suppress(Exception):
                (await opening).close()
            raise
        except FileNotFoundError as error:
            raise NotFound from error
        except BlockingIOError as error:
            raise _busy() from error
        except ForeignFile as error:
            _log.error("an upload's file can't be opened with its case's key")
            raise NotFound from error
        except OSError as error:
            raise told(error) from error

    async def _let_go(self, upload_id: str, upload: SpooledUpload) -> None:
        with suppress(OSError, HearingError):
            mark = await upload.close()
            self._marks[upload_id] = mark
            while len(self._marks) > _KEPT_MARKS:
                self._marks.popitem(last=False)

    async def _move_aside(self, upload_id: str) -> None:
        """Errors: Locked `upload.busy` while the other one's bytes still come."""
        other = self._writers.get(upload_id)
        if other is None or other.task is asyncio.current_task():
            return
        if other.task is None or time.monotonic() - other.last_s < _LIVELY_S:
            # A cut connection is noticed in a moment, and whoever was cut off is back as fast.
            await _wait(other.gone, _NOTICED_S)
            if upload_id in self._writers:
                raise _busy()
            return
        other.task.cancel("another connection goes on with this upload")
        await _wait(other.gone, _HAND_OVER_S)
        if upload_id in self._writers:
            raise _busy()


def plain_file(pieces: Iterator[bytes], folder: Path) -> int:
    """A descriptor, at its beginning, of these bytes in a file without a name. OSError."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[file.write(view) or 0 :]
        file.seek(0)
        return os.dup(file.fileno())


def told(error: OSError) -> HearingError:
    """What a disk's refusal means for the sender."""
    if error.errno in _NO_ROOM:
        return DiskFull(
            "upload.disk_full",
            zh="服务器存储空间不足，已收到的部分不会丢失，请稍后继续上传",
            en="The server's disk is full; what arrived is kept. Please go on later",
            retry_after_s=60,
        )
    return Unavailable(
        "upload.store",
        zh="服务器暂时无法保存文件，已收到的部分不会丢失，请稍后继续上传",
        en="The server can't store the file now; what arrived is kept. Please go on later",
        retry_after_s=10,
    )


def _busy() -> Locked:
    return Locked(
        "upload.busy",
        zh="该文件正在另一处上传",
        en="This file is being sent on another connection",
        retry_after_s=2,
    )


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise told(error) from error


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _to_the_end(work: Awaitable[None]) -> None:
    """A cancelled request still lets go of its file."""
    running = asyncio.ensure_future(work)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await running
        raise
