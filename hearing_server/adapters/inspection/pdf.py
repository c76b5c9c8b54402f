"""Untrusted PDF: page count, what it would like to do, its text, its pages as pictures.

PDFium draws and reads; it knows no script here and opens nothing else. What a file holds besides pages is found in
its own bytes and inside its packed objects, and told to the court: it is allowed, and named.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import BinaryIO

import pypdfium2
from pypdfium2 import raw

from hearing_server.adapters.inspection.pictures import PREVIEW_SIDE_PX, save_preview
from hearing_server.domain.case_space.attachments import AttachmentKind, Finding, Refusal
from hearing_server.ports.attachments import Inspected, RefusedFile

MAX_PAGES = 5000  # the court's own limit is a setting below this
_PAGE_CHARS = 20_000
_TEXT_CHARS = 3_000_000
# A page as it is read on a phone held close and on a desk: 150 to the inch of A4.
PAGE_SIDE_PX = 1800
_POINTS_PER_INCH = 72
_SCAN_BYTES = 64 << 20
_UNPACKED_BYTES = 32 << 20
_PIECE = 1 << 20
_NAME = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFile|EmbeddedFiles|RichMedia)\b")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb"/Type\s*/ObjStm.{0,400}?stream\r?\n", re.DOTALL)
_FINDINGS = {
    b"JavaScript": Finding.PDF_SCRIPT,
    b"JS": Finding.PDF_SCRIPT,
    b"Launch": Finding.PDF_LAUNCH,
    b"EmbeddedFile": Finding.PDF_FILES_INSIDE,
    b"EmbeddedFiles": Finding.PDF_FILES_INSIDE,
    b"RichMedia": Finding.PDF_FILES_INSIDE,
}


def look_at_pdf(file: BinaryIO, work: Path) -> Inspected:
    """Errors: RefusedFile."""
    document = _open(file)
    try:
        pages = len(document)
        if pages < 1:
            raise RefusedFile(Refusal.UNREADABLE, "no page")
        if pages > MAX_PAGES:
            raise RefusedFile(Refusal.TOO_MANY_PAGES)
        texts, is_cut = _texts(document, pages)
        preview = work / "preview.jpg"
        width, height = _draw(document, 1, preview, side_px=PREVIEW_SIDE_PX)
    finally:
        document.close()
    findings = [*_wishes(file)]
    if is_cut:
        findings.append(Finding.TEXT_CUT)
    return Inspected(
        AttachmentKind.DOCUMENT, "application/pdf", width=width, height=height, pages=pages,
        findings=tuple(dict.fromkeys(one.value for one in findings)), texts=texts, preview=preview,
    )  # fmt: skip


def draw_page(file: BinaryIO, page: int, target: Path) -> tuple[int, int]:
    """Page `page` (from 1) as JPEG; its sides in pixels. Errors: RefusedFile."""
    document = _open(file)
    try:
        if not 1 <= page <= len(document):
            raise RefusedFile(Refusal.UNREADABLE, "no such page")
        return _draw(document, page, target, side_px=PAGE_SIDE_PX)
    finally:
        document.close()


def _open(file: BinaryIO) -> pypdfium2.PdfDocument:
    """By the open file: the library would follow a descriptor's name to a file that has none."""
    try:
        file.seek(0)
        return pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        is_locked = raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower()
        raise RefusedFile(Refusal.ENCRYPTED if is_locked else Refusal.UNREADABLE) from error


def _draw(document: pypdfium2.PdfDocument, number: int, target: Path, *, side_px: int) -> tuple[int, int]:
    try:
        page = document[number - 1]
        width, height = page.get_size()
        if not (0 < width < 1e6 and 0 < height < 1e6):
            raise RefusedFile(Refusal.UNREADABLE, "page size")
        # Sides decide the picture's size, whatever the page says of itself: a wall map gets no more pixels than A4.
        image = page.render(scale=side_px / max(width, height), may_draw_forms=True).to_pil()
        save_preview(image, target, side_px=side_px)
        page.close()
    except pypdfium2.PdfiumError as error:
        raise RefusedFile(Refusal.UNREADABLE, "page") from error
    return image.width, image.height


def _texts(document: pypdfium2.PdfDocument, pages: int) -> tuple[tuple[str, ...], bool]:
    """Text of every page; a page that can't be read has none."""
    texts: list[str] = []
    left, is_cut = _TEXT_CHARS, False
    for number in range(pages):
        try:
            page = document[number]
            words = page.get_textpage()
            count = words.count_chars()
            text = words.get_text_range(0, min(count, _PAGE_CHARS, left)) if count and left else ""
            is_cut = is_cut or (count > len(text) + 64 and count > min(_PAGE_CHARS, left))
            words.close()
            page.close()
        except pypdfium2.PdfiumError:
            text = ""
        text = text.replace("\x00", "").replace("\r\n", "\n").strip()
        left -= len(text)
        texts.append(text)
    return tuple(texts), is_cut


def _wishes(file: BinaryIO) -> list[Finding]:
    """What the file would do besides being read: names in its bytes, with their escapes undone, packed ones too."""
    file.seek(0)
    data = file.read(_SCAN_BYTES)
    found = _named(data)
    room = _UNPACKED_BYTES
    for match in _STREAM.finditer(data):
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(data[match.end() : match.end() + _PIECE], min(room, 4 * _PIECE))
        except zlib.error:
            continue
        room -= len(unpacked)
        found += _named(unpacked)
        if room <= 0:
            break
    return list(dict.fromkeys(found))


def _named(data: bytes) -> list[Finding]:
    plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), data) if b"#" in data else data
    return [_FINDINGS[match[1]] for match in _NAME.finditer(plain)]
