"""Secrets people carry: session tokens, join links, phone codes. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """256 random bits, URL-safe text."""
    return secrets.token_urlsafe(32)


def random_below(limit: int) -> int:
    """A random number 0 … limit - 1, evenly spread."""
    return secrets.randbelow(limit)


def sha256_hex(text: str) -> str:
    """How a token of 256 random bits is kept; no salt is needed at that size."""
    return hashlib.sha256(text.encode()).hexdigest()
