"""The object store (content-addressed bytes), as the use-cases see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol


class Objects(Protocol):
    """Bytes of a case under their SHA-256 (lower-case hex). Writing the same bytes twice is writing them once.

    Every call: Unavailable `object.store` when the store doesn't answer, `keys.…` when it is encrypted and the case's
    key can't be had.
    """

    async def put_file(self, path: Path, *, sha256: str, case_id: str) -> None:
        """Store a file whose hash was computed by the caller; durable when it returns."""
        ...

    async def put(self, data: bytes, *, case_id: str) -> str:
        """Store bytes; their hash."""
        ...

    async def size_bytes(self, sha256: str, *, case_id: str) -> int | None:
        """None when the case has no such object."""
        ...

    def read(
        self, sha256: str, *, case_id: str, start: int = 0, until: int | None = None
    ) -> AsyncIterator[bytes]:
        """Bytes start..until in pieces. Errors: Unavailable `object.missing`, `object.damaged`."""
        ...
