"""The form of a half-sent file: a header, then records that each prove themselves, so that any tail may be torn off.

    header 64 bytes: "HSUP" · version 1 · 1 when sealed · 2 zero bytes · salt (24) · commitment (32)
    record: u32 (top bit: tentative; else the length, at most 256 KiB) · proof · body
      sealed: nonce (12) · AES-256-GCM of the body with its tag (16); in the clear: CRC32C (4) · body
    An empty tentative record confirms the tentative ones before it.

The key is HKDF-SHA256(case key, salt, "hearing-server/upload/1" ‖ 0 ‖ id); where in the file a record stands and
whether it is tentative go into its proof, so that records can't be moved. Nonces are random: a torn record is written
again at the same place with other bytes, and a number used twice would open both.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import google_crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# One record: what a phone sends in a moment, and the memory one upload takes.
RECORD_BYTES: Final = 256 * 1024
HEADER_BYTES: Final = 64
_MAGIC: Final = b"HSUP\x01"
_SALT_BYTES: Final = 24
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_CRC_BYTES: Final = 4
_TENTATIVE: Final = 0x8000_0000
_INFO: Final = b"hearing-server/upload/1\0"


class ForeignFile(ValueError):
    """The header is not ours, or belongs to another key or another upload."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as found: its bytes, whether they wait for a confirmation, and where it ends in the file."""

    body: bytes
    is_tentative: bool
    end: int


class RecordForm:
    """Writes and reads the records of one upload."""

    def __init__(self, header: bytes, cipher: AESGCM | None) -> None:
        self.header = header
        self._cipher = cipher

    @classmethod
    def fresh(cls, case_key: bytes | None, upload_id: str) -> RecordForm:
        """For a new file; None: in the clear."""
        salt = secrets.token_bytes(_SALT_BYTES)
        cipher, commitment = _derive(case_key, salt, upload_id)
        return cls(_MAGIC + bytes([case_key is not None, 0, 0]) + salt + commitment, cipher)

    @classmethod
    def of_header(cls, header: bytes, case_key: bytes | None, upload_id: str) -> RecordForm:
        """For a file that stands. Errors: ForeignFile."""
        if len(header) != HEADER_BYTES or not header.startswith(_MAGIC):
            raise ForeignFile
        is_sealed = header[len(_MAGIC)] == 1
        if is_sealed and case_key is None:
            raise ForeignFile
        salt = header[len(_MAGIC) + 3 : len(_MAGIC) + 3 + _SALT_BYTES]
        cipher, commitment = _derive(case_key if is_sealed else None, salt, upload_id)
        if not hmac.compare_digest(commitment, header[-len(commitment) :]):
            raise ForeignFile
        return cls(header, cipher)

    def write(self, body: bytes, *, at: int, tentative: bool) -> bytes:
        """A record of at most RECORD_BYTES that stands at `at` in the file."""
        word = len(body) | (_TENTATIVE if tentative else 0)
        place = struct.pack(">IQ", word, at)
        if self._cipher is None:
            return place[:4] + _crc(place, body) + body
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return place[:4] + nonce + self._cipher.encrypt(nonce, body, place)

    def read(self, file: BinaryIO) -> Iterator[Record]:
        """Record after record from behind the header, up to the first that is torn or damaged."""
        at = HEADER_BYTES
        file.seek(at)
        while len(head := file.read(4)) == 4:
            (word,) = struct.unpack(">I", head)
            length, place = word & ~_TENTATIVE, struct.pack(">IQ", word, at)
            if length > RECORD_BYTES:
                return
            rest_bytes = length + (_CRC_BYTES if self._cipher is None else _NONCE_BYTES + _TAG_BYTES)
            rest = file.read(rest_bytes)
            body = self._open(rest, place) if len(rest) == rest_bytes else None
            if body is None:
                return
            at += 4 + rest_bytes
            yield Record(body, bool(word & _TENTATIVE), at)

    def _open(self, rest: bytes, place: bytes) -> bytes | None:
        if self._cipher is None:
            body = rest[_CRC_BYTES:]
            return body if hmac.compare_digest(rest[:_CRC_BYTES], _crc(place, body)) else None
        try:
            return self._cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], place)
        except InvalidTag:
            return None


def _crc(place: bytes, body: bytes) -> bytes:
    return struct.pack(">I", google_crc32c.extend(google_crc32c.value(place), body))


def _derive(case_key: bytes | None, salt: bytes, upload_id: str) -> tuple[AESGCM | None, bytes]:
    both = HKDF(SHA256(), 64, salt, _INFO + upload_id.encode()).derive(case_key or bytes(32))
    return (AESGCM(both[:32]) if case_key is not None else None), both[32:]
