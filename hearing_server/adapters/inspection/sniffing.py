"""What a file is, by its bytes alone; and whether it is something else besides."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final

from hearing_server.domain.case_space.attachments import Refusal
from hearing_server.ports.attachments import RefusedFile

_HEAD_BYTES: Final = 8192
# An end record of a ZIP with the longest comment.
_TAIL_BYTES: Final = 22 + 65_535
# Readers of PDF accept its beginning this far into a file.
_PDF_REACH: Final = 1024
_TEXT_CODECS: Final = ("utf-8", "gb18030")


class Form(StrEnum):
    """How a file is to be looked into."""

    PICTURE = "picture"
    HEIF = "heif"
    PDF = "pdf"
    ZIP = "zip"
    OLE = "ole"
    TEXT = "text"
    MEDIA = "media"


@dataclass(frozen=True, slots=True)
class Sniffed:
    """`word` is the decoder or container: JPEG, mp4, webm, …"""

    form: Form
    word: str


_PICTURES: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)
_PROGRAMS: Final = (
    b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe", b"#!", b"dex\n", b"L\0\0\0\x01\x14\x02\0", b"\0asm",
)  # fmt: skip
_HEIF_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif"}
)
_MARKUP: Final = (
    b"<!doctype",
    b"<html",
    b"<svg",
    b"<?xml",
    b"<script",
    b"<head",
    b"<body",
    b"{\\rtf",
    b"%!ps",
)


def sniff(file: BinaryIO) -> Sniffed:
    """Errors: RefusedFile for what is not on the list, and for two kinds in one."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    size_bytes = file.seek(0, 2)
    file.seek(max(0, size_bytes - _TAIL_BYTES))
    tail = file.read(_TAIL_BYTES)
    if not head:
        raise RefusedFile(Refusal.EMPTY)
    if head.startswith(_PROGRAMS) and not head.startswith(b"#!AMR"):
        raise RefusedFile(Refusal.EXECUTABLE)
    found = _by_magic(head)
    if found is None:
        found = _text(file, head)
    _refuse_two_in_one(found, head, tail)
    return found


def _by_magic(head: bytes) -> Sniffed | None:
    for magic, word in _PICTURES:
        if head.startswith(magic):
            return Sniffed(Form.PICTURE, word)
    if head[:4] == b"RIFF":
        words = {b"WEBP": Sniffed(Form.PICTURE, "WEBP"), b"WAVE": Sniffed(Form.MEDIA, "wav")}
        return words.get(head[8:12]) or _refused()
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    starts = {
        b"%PDF-": Sniffed(Form.PDF, "pdf"),
        b"PK\x03\x04": Sniffed(Form.ZIP, "zip"),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": Sniffed(Form.OLE, "ole"),
        b"OggS": Sniffed(Form.MEDIA, "ogg"),
        b"#!AMR": Sniffed(Form.MEDIA, "amr"),
        b"ID3": Sniffed(Form.MEDIA, "mp3"),
    }
    for magic, sniffed in starts.items():
        if head.startswith(magic):
            return sniffed
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        # Matroska is a house with many rooms; browsers record its WebM part.
        return Sniffed(Form.MEDIA, "webm") if b"webm" in head[:64] else _refused()
    if head[0] == 0xFF and len(head) > 1 and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6):
        return Sniffed(Form.MEDIA, "mp3")
    return None


def _iso_media(head: bytes) -> Sniffed:
    """MP4, MOV, M4A or HEIC: the brands decide, the major one first."""
    (length,) = struct.unpack(">I", head[:4])
    box = head[8 : max(16, min(length, 512))]
    major = box[:4]
    brands = {box[at : at + 4] for at in range(8, len(box) - 3, 4)} | {major}
    if major in _HEIF_BRANDS or (brands & {b"heic", b"heix"} and major not in (b"isom", b"mp42", b"qt  ")):
        return Sniffed(Form.HEIF, "HEIF")
    if major == b"avif" or b"avif" in brands:
        return _refused()
    return Sniffed(Form.MEDIA, "mov" if major == b"qt  " else "mp4")


def _text(file: BinaryIO, head: bytes) -> Sniffed:
    """Plain words in UTF-8, UTF-16 with its mark, or GB 18030; nothing that a browser would read as a page."""
    bare = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if bare.startswith(_MARKUP) or text_of(head, is_whole=len(head) < _HEAD_BYTES) is None:
        raise RefusedFile(Refusal.TYPE)
    return Sniffed(Form.TEXT, "txt")


def text_of(data: bytes, *, is_whole: bool) -> str | None:
    """The words in these bytes, None when they are none; a piece may end within a character."""
    codecs = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else _TEXT_CODECS
    for codec in codecs:
        for cut in (0,) if is_whole else (0, 1, 2, 3):
            try:
                text = data[: len(data) - cut].decode(codec)
            except UnicodeDecodeError:
                continue
            if all(letter >= " " or letter in "\t\r\n\f\ufeff" for letter in text):
                return text.removeprefix("\ufeff")
            break
    return None


def _refuse_two_in_one(found: Sniffed, head: bytes, tail: bytes) -> None:
    """A picture that is an archive as well opens as one thing here and as another where it is saved."""
    if found.form is not Form.PDF and b"%PDF-" in head[:_PDF_REACH]:
        raise RefusedFile(Refusal.POLYGLOT)
    if found.form is Form.ZIP:
        return
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0 and len(tail) - at >= 22:
        (comment_bytes,) = struct.unpack("<H", tail[at + 20 : at + 22])
        if at + 22 + comment_bytes == len(tail):
            raise RefusedFile(Refusal.POLYGLOT)
        at = tail.rfind(b"PK\x05\x06", 0, at)


def _refused() -> Sniffed:
    raise RefusedFile(Refusal.TYPE)
