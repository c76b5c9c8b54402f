"""The inspecting process: `python -m hearing_server.adapters.inspection.worker FD MEMORY_BYTES`.

It opens what strangers sent, so it is locked up first (`limits.py`). One line of JSON and one descriptor in, one line
out, over a socket; everything larger lies in the work folder named in the request:

    {"do": "look", "work": PATH, "name": TEXT, "office": PROGRAM | ""} + the file
    {"do": "page", "work": PATH, "page": N} + a PDF
    {"ok": true, …} | {"refused": REASON, "detail": TEXT}
"""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO

from hearing_server.adapters.inspection.limits import Limits, lock_up
from hearing_server.adapters.inspection.media import look_at_media
from hearing_server.adapters.inspection.office import to_pdf
from hearing_server.adapters.inspection.packages import look_at_package
from hearing_server.adapters.inspection.pdf import draw_page, look_at_pdf
from hearing_server.adapters.inspection.pictures import look_at_picture
from hearing_server.adapters.inspection.sniffing import Form, sniff, text_of
from hearing_server.domain.case_space.attachments import AttachmentKind, Finding, Refusal
from hearing_server.ports.attachments import Inspected, RefusedFile

_MAX_REQUEST_BYTES = 65_536
_TEXT_BYTES = 4 << 20
_PAGE_CHARS = 20_000
_ENDINGS = {
    "image/jpeg": ("jpg", "jpeg", "jfif"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "image/gif": ("gif",),
    "image/heic": ("heic", "heif"),
    "application/pdf": ("pdf",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx",),
    "application/msword": ("doc",),
    "application/vnd.ms-excel": ("xls",),
    "application/vnd.ms-powerpoint": ("ppt",),
    "text/plain": ("txt", "csv", "md", "log"),
    "video/mp4": ("mp4", "m4v", "3gp"),
    "video/quicktime": ("mov", "qt"),
    "video/webm": ("webm",),
    "audio/mp4": ("m4a", "mp4", "aac", "3gp"),
    "audio/webm": ("webm", "weba"),
    "audio/ogg": ("ogg", "oga", "opus"),
    "audio/mpeg": ("mp3",),
    "audio/wav": ("wav",),
    "audio/amr": ("amr",),
}
# Old office files: a stream of this name (UTF-16) says which program wrote it.
_OLE = (
    ("WordDocument", "doc", "application/msword"),
    ("Workbook", "xls", "application/vnd.ms-excel"),
    ("Book", "xls", "application/vnd.ms-excel"),
    ("PowerPoint Document", "ppt", "application/vnd.ms-powerpoint"),
)


def look(source: Path, file: BinaryIO, *, name: str, office: str, work: Path) -> Inspected:
    """What the file really is. Errors: RefusedFile."""
    sniffed = sniff(file)
    match sniffed.form:
        case Form.PICTURE | Form.HEIF:
            seen = look_at_picture(file, sniffed.word, work)
        case Form.PDF:
            seen = look_at_pdf(file, work)
        case Form.ZIP:
            package = look_at_package(file)
            seen = Inspected(
                AttachmentKind.DOCUMENT, package.media_type, findings=package.findings, texts=package.texts
            )
            seen = _with_pages(seen, source, package.ending, office, work, is_needed=False)
        case Form.OLE:
            seen = _look_at_ole(source, file, office, work)
        case Form.TEXT:
            seen = _look_at_text(file)
        case Form.MEDIA:
            seen = look_at_media(source, sniffed.word, work)
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in _ENDINGS[seen.media_type]:
        seen = replace(seen, findings=(*seen.findings, Finding.NAME_ENDING.value))
    return seen


def _with_pages(
    seen: Inspected, source: Path, ending: str, office: str, work: Path, *, is_needed: bool
) -> Inspected:
    """The document as PDF, its pages and their text; without the program it is taken without a preview."""
    if not office:
        if is_needed:
            raise RefusedFile(Refusal.OFFICE_MISSING)
        return replace(seen, findings=(*seen.findings, Finding.NO_PREVIEW.value))
    try:
        rendition = to_pdf(office, source, ending, work)
        with rendition.open("rb") as file:
            pages = look_at_pdf(file, work)
    except RefusedFile:
        if is_needed:
            raise
        return replace(seen, findings=(*seen.findings, Finding.NO_PREVIEW.value))
    return replace(
        seen, width=pages.width, height=pages.height, pages=pages.pages, preview=pages.preview,
        texts=pages.texts if any(pages.texts) else seen.texts, rendition=rendition,
    )  # fmt: skip


def _look_at_ole(source: Path, file: BinaryIO, office: str, work: Path) -> Inspected:
    """DOC, XLS, PPT: taken only where LibreOffice opens them; nothing else here reads them."""
    file.seek(0)
    data = file.read()
    if _stands(data, "EncryptedPackage") or _stands(data, "EncryptionInfo"):
        raise RefusedFile(Refusal.ENCRYPTED)
    if _stands(data, "_VBA_PROJECT"):
        raise RefusedFile(Refusal.MACROS)
    known = next((one for one in _OLE if _stands(data, one[0])), None)
    if known is None:
        raise RefusedFile(Refusal.TYPE)
    _, ending, media_type = known
    seen = Inspected(AttachmentKind.DOCUMENT, media_type)
    return _with_pages(seen, source, ending, office, work, is_needed=True)


def _stands(data: bytes, name: str) -> bool:
    return name.encode("utf-16-le") in data


def _look_at_text(file: BinaryIO) -> Inspected:
    file.seek(0)
    data = file.read(_TEXT_BYTES + 1)
    is_cut = len(data) > _TEXT_BYTES
    text = text_of(data[:_TEXT_BYTES], is_whole=not is_cut)
    if text is None:
        raise RefusedFile(Refusal.TYPE)
    texts = tuple(text[at : at + _PAGE_CHARS] for at in range(0, len(text), _PAGE_CHARS))
    findings = (Finding.TEXT_CUT.value,) if is_cut else ()
    return Inspected(AttachmentKind.DOCUMENT, "text/plain", findings=findings, texts=texts)


def answer(asked: dict[str, Any], source_fd: int) -> dict[str, Any]:
    """One request. Errors: whatever a decoder raises; the caller knows only the refusals."""
    # A file without a name is reached by its descriptor; the decoders get their own position in it.
    source, work = Path(f"/proc/self/fd/{source_fd}"), Path(asked["work"])
    if asked["do"] == "page":
        target = work / "page.jpg"
        with source.open("rb") as file:
            width, height = draw_page(file, int(asked["page"]), target)
        return {"ok": True, "file": str(target), "width": width, "height": height}
    with source.open("rb") as file:
        seen = look(source, file, name=str(asked["name"]), office=str(asked["office"]), work=work)
    said = asdict(replace(seen, texts=()))
    said |= {key: str(said[key]) if said[key] else None for key in ("preview", "rendition")}
    # Words may be megabytes: they go by the folder.
    (work / "texts.json").write_text(json.dumps(seen.texts), "utf-8")
    return {"ok": True, **said}


def serve(line: socket.socket) -> None:
    """Answer until nobody asks any more."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(line, _MAX_REQUEST_BYTES, 1)
        if not data:
            return
        try:
            said = answer(json.loads(data), descriptors[0])
        except RefusedFile as refused:
            said = {"refused": refused.reason.value, "detail": refused.detail}
        except (MemoryError, RecursionError) as error:
            said = {"refused": Refusal.BOMB.value, "detail": type(error).__name__}
        except Exception as error:
            # A decoder's own mistake over a stranger's file: the file can't be read.
            said = {"refused": Refusal.UNREADABLE.value, "detail": type(error).__name__}
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        line.sendall(json.dumps(said).encode() + b"\n")


def main() -> int:
    """Lock up, say so, serve."""
    line = socket.socket(fileno=int(sys.argv[1]))
    is_cut_off = lock_up(Limits(memory_bytes=int(sys.argv[2])))
    line.sendall(json.dumps({"ready": True, "network": not is_cut_off}).encode() + b"\n")
    serve(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
