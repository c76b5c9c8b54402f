"""Repository of hearings."""

from __future__ import annotations

from typing import Protocol


class Hearings(Protocol):
    """Filled with its noun."""
