"""The object store (content-addressed bytes) and the reader of pictures, as the use-cases see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Objects(Protocol):
    """Bytes under their SHA-256 (lower-case hex). Writing the same bytes twice is writing them once."""

    async def put_file(self, path: Path, *, sha256: str) -> None:
        """Store a file whose hash was computed by the caller; durable when it returns."""
        ...

    async def put(self, data: bytes) -> str:
        """Store bytes; their hash."""
        ...

    async def size_bytes(self, sha256: str) -> int | None:
        """None when there is no such object."""
        ...

    def read(self, sha256: str) -> AsyncIterator[bytes]:
        """The bytes in pieces. Errors: Unavailable `object.missing`."""
        ...


@dataclass(frozen=True, slots=True)
class PictureSeen:
    """What a picture really is: sides as shown (orientation applied), and a JPEG without metadata to show."""

    media_type: str
    width: int
    height: int
    preview: bytes


class PictureReader(Protocol):
    """Looks into untrusted picture files."""

    async def read(self, path: Path) -> PictureSeen:
        """Errors: Invalid `attachment.type`, `attachment.unreadable`, `attachment.too_many_pixels`."""
        ...
