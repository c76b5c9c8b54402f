"""The vault keeps personal data unreadable in the database and still findable."""

from __future__ import annotations

from typing import Protocol


class Vault(Protocol):
    """Authenticated encryption and keyed hashes with keys outside the database."""

    def seal(self, text: str, *, context: str) -> bytes:
        """Ciphertext of `text`, bound to `context` (table.column:id), so that sealed values can't be swapped."""
        ...

    def open(self, sealed: bytes, *, context: str) -> str:
        """The text; raises ValueError when bytes or context were changed."""
        ...

    def index(self, text: str, *, purpose: str) -> str:
        """A keyed hash, hex, equal for equal texts of one purpose: for look-ups without clear text."""
        ...

    def grant_key(self) -> bytes:
        """The key that signs join grants, 32 bytes."""
        ...
