"""Untrusted office packages (DOCX, XLSX, PPTX): a ZIP of XML, unpacked with a tape measure and never to disk."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, Final
from xml.etree import ElementTree

from hearing_server.domain.case_space.attachments import Finding, Refusal
from hearing_server.ports.attachments import RefusedFile

_MAX_PARTS: Final = 10_000
_MAX_UNPACKED_BYTES: Final = 512 << 20
# XML packs 20 to 1; a sheet of blanks may reach 100. Beyond it there is nothing to read.
_MAX_RATIO: Final = 150
_RATIO_MATTERS_BYTES: Final = 16 << 20
_MAX_DEPTH: Final = 2
_PIECE: Final = 1 << 18
_TEXT_CHARS: Final = 3_000_000
_MAX_XML_TEXT_BYTES: Final = 64 << 20

_TYPES: Final = {
    "wordprocessingml.document": (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    "spreadsheetml.sheet": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "presentationml.presentation": (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
}
_MAIN: Final = re.compile(r"ContentType=\"([^\"]+)\.main\+xml\"")
_MACROS: Final = re.compile(
    r"vbaproject\.bin|vbadata\.xml|/activex/|macrosheets/|customui/.*\.dll", re.IGNORECASE
)
# A document type declaration is where entities are born; no office program writes one.
_DOCTYPES: Final = tuple(
    word.encode(codec) for word in ("<!DOCTYPE", "<!ENTITY") for codec in ("utf-8", "utf-16-le", "utf-16-be")
)
_OUTSIDE: Final = re.compile(rb"TargetMode\s*=\s*[\"']External[\"']")
_HYPERLINK: Final = re.compile(rb"/relationships/hyperlink[\"']")
_RELATION: Final = re.compile(rb"<Relationship\b[^>]*>")


@dataclass(frozen=True, slots=True)
class Package:
    """What was found in it: the ending it should have, its media type, its text by sheet or slide."""

    ending: str
    media_type: str
    findings: tuple[str, ...]
    texts: tuple[str, ...]


def look_at_package(file: BinaryIO) -> Package:
    """Errors: RefusedFile."""
    parts, findings = _checked_parts(file, depth=0)
    types = parts.get("[Content_Types].xml", b"").decode("utf-8", "replace")
    if "macroEnabled" in types or "vbaProject" in types:
        raise RefusedFile(Refusal.MACROS)
    main = next((match[1] for match in _MAIN.finditer(types)), "")
    known = next((kind for word, kind in _TYPES.items() if main.endswith(word)), None)
    if known is None:
        raise RefusedFile(Refusal.TYPE)
    ending, media_type = known
    return Package(ending, media_type, findings, _texts(ending, parts))


def _checked_parts(file: BinaryIO, *, depth: int) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Unpack everything once, counting; keep the parts that hold words. Packages inside are looked at as well."""
    if depth > _MAX_DEPTH:
        raise RefusedFile(Refusal.BOMB, "nesting")
    findings: list[str] = []
    kept: dict[str, bytes] = {}
    try:
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check_table(entries)
            total = 0
            for entry in entries:
                content = b"".join(_unpacked(archive, entry, _MAX_UNPACKED_BYTES - total))
                total += len(content)
                findings += _check_part(entry.filename, content, depth)
                if _holds_words(entry.filename):
                    kept[entry.filename] = content[:_MAX_XML_TEXT_BYTES]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise RefusedFile(Refusal.UNREADABLE, type(error).__name__) from error
    return kept, tuple(dict.fromkeys(findings))


def _check_table(entries: list[zipfile.ZipInfo]) -> None:
    """What the table of contents promises; the unpacking itself counts again."""
    if len(entries) > _MAX_PARTS:
        raise RefusedFile(Refusal.BOMB, "parts")
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        # Two parts of one name: one program reads the first, another the second.
        raise RefusedFile(Refusal.POLYGLOT, "same name twice")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise RefusedFile(Refusal.ENCRYPTED)
    packed, unpacked = sum(e.compress_size for e in entries), sum(e.file_size for e in entries)
    if unpacked > _MAX_UNPACKED_BYTES or (
        unpacked > _RATIO_MATTERS_BYTES and unpacked > _MAX_RATIO * max(packed, 1)
    ):
        raise RefusedFile(Refusal.BOMB, "ratio")
    places = sorted((entry.header_offset, entry.compress_size) for entry in entries)
    for (at, size_bytes), (behind, _) in pairwise(places):
        if at + size_bytes > behind:
            raise RefusedFile(Refusal.BOMB, "overlap")


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, room_bytes: int) -> Iterator[bytes]:
    with archive.open(entry) as part:
        while piece := part.read(_PIECE):
            room_bytes -= len(piece)
            if room_bytes < 0:
                raise RefusedFile(Refusal.BOMB, "size")
            yield piece


def _check_part(name: str, content: bytes, depth: int) -> list[str]:
    if _MACROS.search(name):
        raise RefusedFile(Refusal.MACROS)
    if name.startswith("/") or ".." in name.split("/") or "\\" in name:
        raise RefusedFile(Refusal.POLYGLOT, "path")
    if content[:4] == b"PK\x03\x04":
        return list(_checked_parts(io.BytesIO(content), depth=depth + 1)[1])
    if content.startswith((b"MZ", b"\x7fELF")):
        raise RefusedFile(Refusal.EXECUTABLE, "inside")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        if "_VBA_PROJECT".encode("utf-16-le") in content:
            raise RefusedFile(Refusal.MACROS)
        # Something was packed into it that only the program itself could open.
        return [Finding.PDF_FILES_INSIDE.value]
    if name.lower().endswith((".xml", ".rels", ".vml")):
        if any(word in content for word in _DOCTYPES):
            raise RefusedFile(Refusal.BOMB, "entities")
        if name.endswith(".rels"):
            return _outside(content)
    return []


def _outside(relations: bytes) -> list[str]:
    """Links that a program follows by itself: templates, pictures, frames. A hyperlink waits for a click."""
    reaching = [tag for tag in _RELATION.findall(relations) if _OUTSIDE.search(tag)]
    return [Finding.OUTSIDE_LINKS.value] if any(not _HYPERLINK.search(tag) for tag in reaching) else []


def _holds_words(name: str) -> bool:
    return name == "[Content_Types].xml" or bool(
        re.fullmatch(r"word/document\.xml|xl/sharedStrings\.xml|ppt/slides/slide\d+\.xml", name)
    )


def _texts(ending: str, parts: dict[str, bytes]) -> tuple[str, ...]:
    """Words without their pages: one piece, or one per slide."""
    names = sorted((name for name in parts if name != "[Content_Types].xml"), key=_by_number)
    texts, left = [], _TEXT_CHARS
    for name in names:
        text = _words(parts[name], left)
        left -= len(text)
        texts.append(text)
    return tuple(texts) if ending == "pptx" else ("\n".join(texts),) if texts else ()


def _by_number(name: str) -> tuple[int, str]:
    found = re.search(r"(\d+)\.xml$", name)
    return (int(found[1]) if found else 0, name)


def _words(content: bytes, room_chars: int) -> str:
    """Text of `t` elements, a line per paragraph or cell. Entities are gone: there is no document type."""
    lines: list[str] = []
    line: list[str] = []
    try:
        for _, element in ElementTree.iterparse(io.BytesIO(content)):
            word = element.tag.rpartition("}")[2]
            if word == "t":
                line.append(element.text or "")
            elif word in ("p", "si", "tr"):
                lines.append("".join(line))
                line.clear()
                element.clear()
    except ElementTree.ParseError as error:
        raise RefusedFile(Refusal.UNREADABLE, "xml") from error
    text = "\n".join([*lines, "".join(line)])
    return re.sub(r"\n{3,}", "\n\n", text.replace("\x00", "")).strip()[:room_chars]
