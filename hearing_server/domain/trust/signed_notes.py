"""Signed notes and their keys as C2SP signed-note@v1 defines them; Ed25519 alone, by decision.

A note is a text that ends in a newline, an empty line, and signature lines `— <name> <base64(key id ‖ signature)>`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_DASH = "\u2014 "
_KEY_BYTES = 32
_ID_BYTES = 4
# The specification wants at least 16 to be taken; a log with more witnesses than this would be news.
MAX_SIGNATURES = 100
MAX_NOTE_BYTES = 64 * 1024


class KeyKind(IntEnum):
    """What a key signs: the type byte of its key id."""

    LOG = 0x01  # Ed25519 over the note's text
    WITNESS = 0x04  # Ed25519 over a time and the note's text: tlog-cosignature v1


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name, in one line of text: `<name>+<key id, hex>+<base64(type ‖ key)>`."""

    name: str
    kind: KeyKind
    public: bytes

    @property
    def id(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ type ‖ key), first four bytes."""
        hashed = hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public)
        return hashed.digest()[:_ID_BYTES]

    def text(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encoded(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """ValueError: malformed, another algorithm, or an id that isn't this key's."""
        name, _, rest = text.partition("+")
        written_id, _, material = rest.partition("+")
        data = decoded(material)
        if not is_key_name(name) or len(data) != 1 + _KEY_BYTES or data[0] not in tuple(KeyKind):
            raise ValueError("not a verifier key of a kind we know")
        key = cls(name, KeyKind(data[0]), data[1:])
        if key.id.hex() != written_id:
            raise ValueError("the key's id isn't that of the key")
        return key

    def verifies(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name; never logged: its repr shows the name alone."""

    name: str
    kind: KeyKind
    private: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, name: str, kind: KeyKind, seed: bytes) -> SigningKey:
        """`seed`: 32 random bytes. ValueError: another length, or a name no note may carry."""
        if not is_key_name(name):
            raise ValueError("a key's name has no spaces and no plus sign")
        return cls(name, kind, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.kind, self.private.public_key().public_bytes_raw())

    def signature_line(self, message: bytes, before: bytes = b"") -> str:
        """A signature line over `message`; `before` goes between key id and signature (a cosignature's time)."""
        blob = self.verifier.id + before + self.private.sign(message)
        return f"{_DASH}{self.name} {encoded(blob)}\n"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line, read but not verified."""

    name: str
    key_id: bytes
    blob: bytes

    def is_of(self, key: VerifierKey) -> bool:
        return self.name == key.name and self.key_id == key.id

    def line(self) -> str:
        return f"{_DASH}{self.name} {encoded(self.key_id + self.blob)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note, read but not verified. `text` ends in a newline."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        """ValueError: not a note."""
        if len(note.encode("utf-8", "surrogatepass")) > MAX_NOTE_BYTES:
            raise ValueError("a note of this length is none")
        if any(letter < " " and letter != "\n" for letter in note) or not note.endswith("\n"):
            raise ValueError("a note has no control characters and ends its last line")
        place = note.rfind("\n\n")
        text, lines = note[: place + 1], note[place + 2 :]
        signatures = read_signatures(lines) if place >= 0 else ()
        if not signatures or len(signatures) > MAX_SIGNATURES:
            raise ValueError("a note has one signature at least, and not hundreds")
        return cls(text, signatures)

    def whole(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)

    def signatures_of(self, key: VerifierKey) -> tuple[NoteSignature, ...]:
        return tuple(signature for signature in self.signatures if signature.is_of(key))


def read_signatures(lines: str) -> tuple[NoteSignature, ...]:
    """Signature lines, each ending in a newline. ValueError: something else stands there."""
    found = []
    for line in lines.removesuffix("\n").split("\n") if lines else ():
        name, _, blob = line.removeprefix(_DASH).partition(" ")
        data = decoded(blob)
        if not line.startswith(_DASH) or not is_key_name(name) or len(data) <= _ID_BYTES:
            raise ValueError("not a signature line")
        found.append(NoteSignature(name, data[:_ID_BYTES], data[_ID_BYTES:]))
    return tuple(found)


def is_key_name(name: str) -> bool:
    """Non-empty, without spaces of any kind, plus signs and control characters."""
    return bool(name) and "+" not in name and not any(c.isspace() or c < " " for c in name)


def encoded(data: bytes) -> str:
    """Base64, standard alphabet, padded."""
    return base64.b64encode(data).decode()


def decoded(text: str) -> bytes:
    """The bytes of base64 in its one canonical form. ValueError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    # Two texts for the same bytes would be two files for the same proof.
    if encoded(data) != text:
        raise ValueError("not base64 in its canonical form")
    return data
