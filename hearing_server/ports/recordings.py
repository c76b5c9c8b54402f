"""Repository of recordings."""

from __future__ import annotations

from typing import Protocol


class Recordings(Protocol):
    """Filled with its noun."""
