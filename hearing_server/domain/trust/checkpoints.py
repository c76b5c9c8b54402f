"""Checkpoints (C2SP tlog-checkpoint), cosignatures (tlog-cosignature v1) and proofs in a file (tlog-proof@v1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hearing_server.domain.trust.merkle import HASH_BYTES, MAX_PROOF_HASHES, TreeHead, verify_inclusion
from hearing_server.domain.trust.signed_notes import (
    KeyKind,
    Note,
    NoteSignature,
    SigningKey,
    VerifierKey,
    decoded,
    encoded,
)

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64
_PROOF_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's word about its tree. `extensions`: further lines, which we never write."""

    origin: str
    head: TreeHead
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The note's text: what the log signs, what witnesses cosign, what time stamps are taken over."""
        lines = (self.origin, str(self.head.size), encoded(self.head.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """ValueError: not a checkpoint's text."""
        lines = text.removesuffix("\n").split("\n")
        if not text.endswith("\n") or len(lines) < 3 or not all(lines):
            raise ValueError("a checkpoint has three lines at least, none of them empty")
        root = decoded(lines[2])
        if len(root) != HASH_BYTES:
            raise ValueError("a root hash has 32 bytes")
        return cls(lines[0], TreeHead(whole_number(lines[1]), root), tuple(lines[3:]))


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A witness saw this checkpoint as the newest of its log at that moment."""

    witness: VerifierKey
    at: datetime


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> str:
    """The signed note of a checkpoint."""
    text = checkpoint.text()
    return f"{text}\n{key.signature_line(text.encode())}"


def open_checkpoint(note: Note, key: VerifierKey) -> Checkpoint:
    """The checkpoint of a note that this log's key signed.

    ValueError: its signature is missing or wrong, or the note is the word of another log.
    """
    signatures = note.signatures_of(key)
    if key.kind is not KeyKind.LOG or not signatures:
        raise ValueError("the log's signature is missing")
    if not all(key.verifies(note.text.encode(), each.blob) for each in signatures):
        raise ValueError("the log's signature is wrong")
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != key.name:
        raise ValueError("the checkpoint is of another log")
    return checkpoint


def cosign(text: str, key: SigningKey, *, at: datetime) -> str:
    """A witness's signature line on a checkpoint's text."""
    seconds = int(at.timestamp())
    return key.signature_line(_cosigned_message(text, seconds), seconds.to_bytes(_TIME_BYTES, "big"))


def read_cosignature(text: str, signature: NoteSignature, key: VerifierKey) -> Cosigned | None:
    """What a witness says; None when the line isn't its signature on this text."""
    blob = signature.blob
    if key.kind is not KeyKind.WITNESS or not signature.is_of(key):
        return None
    if len(blob) != _TIME_BYTES + _SIGNATURE_BYTES:
        return None
    seconds = int.from_bytes(blob[:_TIME_BYTES], "big")
    if not key.verifies(_cosigned_message(text, seconds), blob[_TIME_BYTES:]):
        return None
    try:
        return Cosigned(key, datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return None


def _cosigned_message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class LogProof:
    """That an entry stands in a log: its index, the inclusion proof, and the checkpoint with all its signatures."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note

    def text(self) -> str:
        """A `.tlog-proof` file."""
        hashes = "".join(f"{encoded(each)}\n" for each in self.hashes)
        return f"{_PROOF_HEADER}\nindex {self.index}\n{hashes}\n{self.note.whole()}"

    @classmethod
    def parse(cls, text: str) -> LogProof:
        """ValueError: not a proof."""
        head, gap, note = text.partition("\n\n")
        lines = head.split("\n")
        if not gap or lines[0] != _PROOF_HEADER:
            raise ValueError("not a tlog-proof@v1")
        if len(lines) > 1 and lines[1].startswith("extra "):
            decoded(lines[1].removeprefix("extra "))
            del lines[1]
        if len(lines) < 2 or not lines[1].startswith("index "):
            raise ValueError("the proof has no index")
        hashes = read_hashes(lines[2:])
        return cls(whole_number(lines[1].removeprefix("index ")), hashes, Note.parse(note))

    def holds(self, leaf: bytes) -> bool:
        """Whether the leaf hash is where the proof says, in the tree of its (unverified) checkpoint."""
        try:
            head = Checkpoint.parse(self.note.text).head
        except ValueError:
            return False
        return verify_inclusion(leaf, self.index, head, self.hashes)


def read_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    """Proof lines, one hash each. ValueError."""
    hashes = tuple(decoded(line) for line in lines)
    if len(hashes) > MAX_PROOF_HASHES or any(len(each) != HASH_BYTES for each in hashes):
        raise ValueError("a proof is at most 63 hashes of 32 bytes")
    return hashes


def whole_number(text: str) -> int:
    """An ASCII decimal without leading zeros, below 2^63. ValueError."""
    if not _NUMBER.fullmatch(text) or int(text) >= 1 << 63:
        raise ValueError("not a whole number in its one written form")
    return int(text)
