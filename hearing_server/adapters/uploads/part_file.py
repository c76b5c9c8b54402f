"""One half-sent file on disk, open for its only writer. Every method blocks; none may run twice at a time.

What `settle` returned for is on the disk. What was written since is found again after a crash of the process, record
by record, and after a power cut as far as it proves itself. The running SHA-256 is kept between two openings; a new
process reads the file once from its beginning.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hearing_server.adapters.uploads.records import HEADER_BYTES, RECORD_BYTES, RecordForm
from recorder.durable import Disk

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass(frozen=True, slots=True)
class Mark:
    """A place up to which all is well: in the file, in the sender's bytes, and the hash of those."""

    end: int
    size_bytes: int
    hash: _Hash


class PartFile:
    """`mark` is what an earlier opening in this process left behind, when nobody else has touched the file since."""

    def __init__(
        self, path: Path, case_key: bytes | None, upload_id: str, *, mark: Mark | None, disk: Disk
    ) -> None:
        """Errors: FileNotFoundError, BlockingIOError when another writer is at it, ForeignFile, OSError."""
        self._path = path
        self._disk = disk
        self._fd = disk.open_to_append(path)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with path.open("rb") as file:
                self._form = RecordForm.of_header(file.read(HEADER_BYTES), case_key, upload_id)
            is_known = mark is not None and disk.size_bytes(path) == mark.end
            self._now = mark if mark is not None and is_known else self._survey()
            self._settled = self._now
            if not is_known:
                disk.sync_data(self._fd)
        except BaseException:
            disk.close(self._fd)
            raise
        self._firm: Mark | None = None

    @staticmethod
    def create(path: Path, case_key: bytes | None, upload_id: str, *, disk: Disk) -> None:
        """A new empty upload, durable when this returns. OSError."""
        disk.make_folder(path.parent)
        disk.write_file(path, (RecordForm.fresh(case_key, upload_id).header,))
        disk.sync_folder(path.parent)

    @property
    def size_bytes(self) -> int:
        """Bytes of the sender that count, tentative ones left out."""
        return (self._firm or self._now).size_bytes

    def write(self, data: bytes, *, tentative: bool = False) -> None:
        """OSError: then nothing of `data` counts, and the file ends where it ended before."""
        if tentative and self._firm is None:
            self._firm = self._now
        for start in range(0, len(data), RECORD_BYTES):
            self._append(data[start : start + RECORD_BYTES], tentative=tentative)

    def confirm(self) -> None:
        """The tentative bytes count from now on."""
        if self._firm is not None:
            self._append(b"", tentative=True)
            self._firm = None

    def drop_tentative(self) -> None:
        """Forget the tentative bytes."""
        if self._firm is not None:
            firm, self._firm = self._firm, None
            self._cut(firm)

    def settle(self) -> None:
        """Everything written is on the disk. OSError: only what an earlier call settled counts then."""
        if self._settled is self._now:
            return
        try:
            self._disk.sync_data(self._fd)
        except OSError:
            self._firm = None
            self._cut(self._settled)
            raise
        self._settled = self._now

    def sha256(self) -> str:
        """Of the bytes that count, hex."""
        return (self._firm or self._now).hash.hexdigest()

    def read(self) -> Iterator[bytes]:
        """The bytes that count, a record at a time."""
        end = (self._firm or self._now).end
        with self._path.open("rb") as file:
            for record in self._form.read(file):
                if record.end > end:
                    return
                if record.body:
                    yield record.body

    def close(self) -> Mark:
        """Let go of the file. What the next opening in this process may begin with."""
        self.drop_tentative()
        self._disk.close(self._fd)
        return self._now

    def _append(self, body: bytes, *, tentative: bool) -> None:
        before = self._now
        record = self._form.write(body, at=before.end, tentative=tentative)
        try:
            self._disk.write(self._fd, record)
        except OSError:
            self._cut(before)
            raise
        digest = before.hash.copy()
        digest.update(body)
        self._now = Mark(before.end + len(record), before.size_bytes + len(body), digest)

    def _cut(self, mark: Mark) -> None:
        """Back to `mark`; a disk that refuses even that is found out by the next survey."""
        self._now = mark
        if self._settled.end > mark.end:
            self._settled = mark
        self._disk.truncate(self._path, mark.end)

    def _survey(self) -> Mark:
        """Read the whole file: what proves itself counts, what follows is cut off."""
        digest, end, size_bytes = hashlib.sha256(), HEADER_BYTES, 0
        firm = Mark(end, size_bytes, digest)
        with self._path.open("rb") as file:
            for record in self._form.read(file):
                digest.update(record.body)
                end, size_bytes = record.end, size_bytes + len(record.body)
                if not record.is_tentative or not record.body:
                    firm = Mark(end, size_bytes, digest.copy())
            length = os.fstat(file.fileno()).st_size
        if length > firm.end:
            self._disk.truncate(self._path, firm.end)
        return firm
