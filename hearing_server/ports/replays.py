"""Pieces of a film with a viewer's mark burnt in."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class PieceMarker(Protocol):
    """Marks and encodes pieces, elsewhere and at low priority."""

    async def piece(
        self, film: Path, *, from_s: float, seconds: float, text: str, height_px: int = 0
    ) -> bytes:
        """An MPEG transport stream of the film's seconds from_s … from_s + seconds, `text` in every picture.

        `height_px`: smaller than the film, 0 as it is.

        Errors: NotFound (the film ends before), Unavailable `replay.busy`, `replay.failed`.
        """
        ...
