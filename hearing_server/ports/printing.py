"""Printing: values in, the bytes of a PDF out. The same values give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class Printer(Protocol):
    """Sets documents in type, away from the event loop."""

    async def catalogue(self, values: Mapping[str, object], *, dated: datetime) -> bytes:
        """A catalogue of exhibits, dated at its own moment. Errors: Unavailable `printing.down`, `.busy`."""
        ...

    async def space(self, values: Mapping[str, object], *, dated: datetime) -> bytes:
        """A case space for reading. Errors: as above."""
        ...
