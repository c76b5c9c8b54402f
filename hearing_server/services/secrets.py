"""Secrets people carry: session tokens, join links, phone codes. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets

CODE_DIGITS = 6


def new_token() -> str:
    """256 random bits, URL-safe text."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """Six decimal digits."""
    return "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))


def sha256_hex(text: str) -> str:
    """How a token of 256 random bits is kept; no salt is needed at that size."""
    return hashlib.sha256(text.encode()).hexdigest()
