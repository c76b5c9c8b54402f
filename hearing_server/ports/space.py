"""Repository of space."""

from __future__ import annotations

from typing import Protocol


class Space(Protocol):
    """Filled with its noun."""
