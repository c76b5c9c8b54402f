"""Bytes at rest, sealed in chunks: AES-256-GCM, readable from any place, cut nowhere unseen.

    header 64 bytes: "HSAE" · version 1 · log2 of the chunk size · 2 zero bytes · salt (24) · commitment (32)
    then chunks of 64 KiB, each with its 16-byte tag; the last one is shorter, and empty for an empty object

HKDF-SHA256(case key, salt, "hearing-server/object/1" ‖ 0 ‖ context) gives the chunk key (32 bytes) and the commitment
(32 bytes): another key or another context is noticed before a byte is opened. A chunk's nonce is its number (u64) and
a word that is 1 for the last chunk alone, so chunks can be neither swapped nor dropped at the end (STREAM, Hoang,
Reyhanitabar, Rogaway and Vizár 2015). A flipped byte costs one chunk and names it.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHUNK_LOG2: Final = 16
CHUNK_BYTES: Final = 1 << CHUNK_LOG2
TAG_BYTES: Final = 16
SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + TAG_BYTES
HEADER_BYTES: Final = 64
KEY_BYTES: Final = 32
_SALT_BYTES: Final = 24
_MAGIC: Final = b"HSAE\x01" + bytes([CHUNK_LOG2]) + b"\0\0"
_INFO: Final = b"hearing-server/object/1\0"


class DamagedBytes(ValueError):
    """What was stored is not what was sealed. `chunk` counts from 0; None: the header, or a wrong key or context."""

    def __init__(self, chunk: int | None) -> None:
        super().__init__("header" if chunk is None else f"chunk {chunk}")
        self.chunk = chunk


def sealed_size(size_bytes: int) -> int:
    """Bytes at rest of so many bytes."""
    return HEADER_BYTES + size_bytes + TAG_BYTES * _chunks(size_bytes)


def opened_size(sealed_bytes: int) -> int:
    """Bytes inside so many bytes at rest. DamagedBytes when no object can have that size."""
    body = sealed_bytes - HEADER_BYTES
    whole, rest = divmod(body, SEALED_CHUNK_BYTES)
    if body < TAG_BYTES or 0 < rest < TAG_BYTES or (rest == TAG_BYTES and whole > 0):
        raise DamagedBytes(None)
    return body - TAG_BYTES * (whole + (rest > 0))


def _chunks(size_bytes: int) -> int:
    return max(1, -(-size_bytes // CHUNK_BYTES))


def _keys(case_key: bytes, salt: bytes, context: bytes) -> tuple[AESGCM, bytes]:
    both = HKDF(SHA256(), 2 * KEY_BYTES, salt, _INFO + context).derive(case_key)
    return AESGCM(both[:KEY_BYTES]), both[KEY_BYTES:]


def _nonce(chunk: int, *, is_last: bool) -> bytes:
    return chunk.to_bytes(8, "big") + int(is_last).to_bytes(4, "big")


def seal(pieces: Iterable[bytes], case_key: bytes, *, context: bytes) -> Iterator[bytes]:
    """Bytes at rest of what comes in pieces of any size; yields the header, then chunk after chunk."""
    salt = secrets.token_bytes(_SALT_BYTES)
    cipher, commitment = _keys(case_key, salt, context)
    yield _MAGIC + salt + commitment
    waiting, chunk = bytearray(), 0
    for piece in pieces:
        waiting += piece
        while len(waiting) > CHUNK_BYTES:  # a full chunk waits: it may be the last
            yield cipher.encrypt(_nonce(chunk, is_last=False), bytes(waiting[:CHUNK_BYTES]), None)
            del waiting[:CHUNK_BYTES]
            chunk += 1
    yield cipher.encrypt(_nonce(chunk, is_last=True), bytes(waiting), None)


class Opener:
    """Opens the chunks of one object. DamagedBytes when the header belongs to another key or context."""

    def __init__(self, header: bytes, case_key: bytes, *, context: bytes, sealed_bytes: int) -> None:
        if len(header) != HEADER_BYTES or not header.startswith(_MAGIC):
            raise DamagedBytes(None)
        self.size_bytes = opened_size(sealed_bytes)
        self._last = _chunks(self.size_bytes) - 1
        salt = header[len(_MAGIC) : len(_MAGIC) + _SALT_BYTES]
        self._cipher, commitment = _keys(case_key, salt, context)
        if not hmac.compare_digest(commitment, header[len(_MAGIC) + _SALT_BYTES :]):
            raise DamagedBytes(None)

    def place(self, start: int, until: int) -> tuple[int, int, int]:
        """(first chunk, first byte at rest, byte at rest behind) of the bytes start..until of the object."""
        first, last = start // CHUNK_BYTES, min(self._last, max(until - 1, start) // CHUNK_BYTES)
        from_byte = HEADER_BYTES + first * SEALED_CHUNK_BYTES
        size = HEADER_BYTES + self.size_bytes + TAG_BYTES * (self._last + 1)
        return first, from_byte, min(size, HEADER_BYTES + (last + 1) * SEALED_CHUNK_BYTES)

    def open(self, chunk: int, sealed: bytes) -> bytes:
        """DamagedBytes when one bit differs, or this is another chunk."""
        try:
            return self._cipher.decrypt(_nonce(chunk, is_last=chunk == self._last), sealed, None)
        except InvalidTag:
            raise DamagedBytes(chunk) from None
