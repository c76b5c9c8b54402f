"""Attachments as the use-cases see them: rows, half-sent bytes, the look inside, the virus scanner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from hearing_server.domain.case_space.attachments import (
    Attachment,
    AttachmentKind,
    AttachmentState,
    PageImage,
    Refusal,
)
from hearing_server.kernel import AttachmentId, CaseId, LaneId, PersonId


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody has in a case: unfinished uploads, and bytes of everything that was not refused."""

    unfinished: int
    person_bytes: int
    case_bytes: int


class AttachmentStore(Protocol):
    """Rows of attachments, their text and their pages."""

    async def add(self, attachment: Attachment) -> None: ...
    async def get(self, attachment_id: AttachmentId, *, lock: bool = False) -> Attachment | None: ...
    async def save(self, attachment: Attachment) -> None:
        """Write every field of a row that exists."""
        ...

    async def remove(self, attachment_id: AttachmentId) -> None:
        """Forget an upload that never became anything."""
        ...

    async def held(self, case_id: CaseId, person_id: PersonId) -> Held: ...
    async def in_state(self, state: AttachmentState, *, limit: int) -> list[Attachment]:
        """Oldest first."""
        ...

    async def expired(self, *, now: datetime, limit: int) -> list[Attachment]:
        """Unfinished uploads whose time is over."""
        ...

    async def of_case(self, case_id: CaseId, *, uploader_id: PersonId | None = None) -> list[Attachment]:
        """Newest first, at most 500; of one person when asked so."""
        ...

    async def lanes_of(self, attachment_id: AttachmentId) -> list[LaneId]:
        """The lanes it was posted into."""
        ...

    async def save_texts(self, attachment_id: AttachmentId, texts: tuple[str, ...]) -> None:
        """Text of page 1, 2, …; empty pages are left out."""
        ...

    async def texts(self, attachment_id: AttachmentId) -> dict[int, str]: ...
    async def page(self, attachment_id: AttachmentId, page: int) -> PageImage | None: ...
    async def save_page(self, page: PageImage) -> None:
        """The first one stays."""
        ...


class Upload(Protocol):
    """The bytes of one file that is on its way, open for one writer. Closing keeps them."""

    @property
    def size_bytes(self) -> int:
        """Bytes that are here; durable after `settle`."""
        ...

    async def write(self, data: bytes, *, tentative: bool = False) -> None:
        """Append. Tentative bytes count after `confirm` alone and are gone after a crash. Errors: DiskFull."""
        ...

    async def confirm(self) -> None: ...
    async def drop_tentative(self) -> None: ...
    async def settle(self) -> None:
        """Everything written is on the disk when this returns. Errors: DiskFull."""
        ...

    async def sha256(self) -> str:
        """Of all bytes here, hex."""
        ...

    def read(self) -> AsyncIterator[bytes]:
        """The bytes in the clear, in pieces."""
        ...

    async def head(self, size_bytes: int) -> bytes: ...
    async def open_plain(self) -> int:
        """A descriptor of the bytes in the clear, in a file that has no name; the caller closes it."""
        ...


class UploadSpool(Protocol):
    """Half-sent files, one per id; what was acknowledged outlives the process and a power cut."""

    async def create(self, upload_id: str, *, case_id: str) -> None:
        """Errors: DiskFull, Unavailable `keys.…`."""
        ...

    async def bytes_at_rest(self, upload_id: str) -> int | None:
        """What its file takes, a little more than the bytes in it; None: not in this server's reach."""
        ...

    def open(
        self, upload_id: str, *, case_id: str, yields: bool = True
    ) -> AbstractAsyncContextManager[Upload]:
        """One at a time. Who `yields` is cancelled by the next one when no byte came for a moment.

        Errors: NotFound, Locked `upload.busy` while another one is at it.
        """
        ...

    async def remove(self, upload_id: str) -> None: ...
    async def free_bytes(self) -> int: ...
    async def sweep(self, keep: set[str]) -> int:
        """Remove files that no row speaks of any more; how many."""
        ...


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a file really is. Paths lie in the folder given to the inspection and go with it."""

    kind: AttachmentKind
    media_type: str
    width: int = 0
    height: int = 0
    pages: int = 0
    duration_ms: int = 0
    waveform: tuple[int, ...] = ()
    findings: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    preview: Path | None = None
    rendition: Path | None = None


class RefusedFile(Exception):
    """The file is what nobody takes; not an error of ours."""

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = detail


class Inspection(Protocol):
    """Looks into untrusted files, in a process that can do little."""

    async def look(self, source: int, *, name: str, work: Path) -> Inspected:
        """`source`: a descriptor of the file in the clear. Errors: RefusedFile; Unavailable `inspection.down`."""
        ...

    async def stop(self) -> None:
        """End its processes."""
        ...

    async def page(self, source: int, *, page: int, work: Path) -> tuple[Path, int, int]:
        """One page of a PDF as JPEG: (file, width, height). Errors: RefusedFile; Unavailable `inspection.down`."""
        ...


@dataclass(frozen=True, slots=True)
class ScanVerdict:
    """`signature`: what was found, "" for a clean file; `is_whole` False: the scanner doesn't take such a size."""

    signature: str = ""
    is_whole: bool = True


class VirusScanner(Protocol):
    """A scanner that was configured; without one nothing is scanned."""

    async def scan(self, pieces: AsyncIterator[bytes], *, size_bytes: int) -> ScanVerdict:
        """Errors: Unavailable `scanner.down`."""
        ...
