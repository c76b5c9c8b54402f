"""Repository of reminders."""

from __future__ import annotations

from typing import Protocol


class Reminders(Protocol):
    """Filled with its noun."""
