"""The look into files, in the real process: what is taken, what is refused and why, and what a crash costs."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from hearing_server.adapters.inspection import workers
from hearing_server.adapters.inspection.workers import InspectionWorkers
from hearing_server.domain.case_space.attachments import AttachmentKind, Refusal
from hearing_server.ports.attachments import Inspected, RefusedFile
from tests.sample_files import (
    MACRO_MAIN,
    docx,
    film,
    flat_picture,
    package,
    pdf,
    photo,
    png_claiming,
    sound,
)

# One process for all of them, as in the server.
pytestmark = pytest.mark.asyncio(loop_scope="module")
_RELATION = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://x/relationships/attachedTemplate" Target="http://x/t" TargetMode="External"/>'
    "</Relationships>"
)
_SCRIPT = "<< /S /J#61vaScript /JS (app.alert\\(1\\)) >>"
# What is in the file, its name, → reason.
REFUSED: dict[str, tuple[bytes, Refusal]] = {
    "empty": (b"", Refusal.EMPTY),
    "program": (b"MZ" + bytes(500), Refusal.EXECUTABLE),
    "script": (b"#!/bin/sh\nrm -rf /", Refusal.EXECUTABLE),
    "page": (b"<html><script>alert(1)</script>", Refusal.TYPE),
    "picture of lines": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', Refusal.TYPE),
    "bytes": (bytes(range(256)) * 20, Refusal.TYPE),
    "plain archive": (package({"a.txt": "x"}, main="text/plain", part="a.txt"), Refusal.TYPE),
    "torn picture": (photo()[:3000], Refusal.UNREADABLE),
    "pixel bomb": (png_claiming(20_000, 20_000), Refusal.TOO_MANY_PIXELS),
    "picture and archive": (photo() + docx("x"), Refusal.POLYGLOT),
    "picture and PDF": (b"GIF89a" + b"%PDF-1.4 " + bytes(100), Refusal.POLYGLOT),
    "PDF and archive": (pdf("x") + docx("x"), Refusal.POLYGLOT),
    "locked PDF": (pdf("x", encrypted=True), Refusal.ENCRYPTED),
    "broken PDF": (b"%PDF-1.7\n" + b"nothing" * 50, Refusal.UNREADABLE),
    "macros by type": (docx("x", main=MACRO_MAIN), Refusal.MACROS),
    "macros by part": (docx("x", more={"word/vbaProject.bin": b"x"}), Refusal.MACROS),
    "macros inside": (
        docx("x", more={"word/embeddings/b.xlsm": docx("x", more={"xl/vbaProject.bin": b"y"})}),
        Refusal.MACROS,
    ),
    "entities": (docx("x", more={"word/b.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a/>'}), Refusal.BOMB),
    "entities in UTF-16": (
        docx("x", more={"word/b.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode("utf-16")}),
        Refusal.BOMB,
    ),
    "blown up": (docx("x", more={"word/z.xml": b" " * (40 << 20)}), Refusal.BOMB),
    "program inside": (docx("x", more={"word/media/a.png": b"MZ" + bytes(100)}), Refusal.EXECUTABLE),
    "way out": (docx("x", more={"../evil.xml": "<a/>"}), Refusal.POLYGLOT),
    "torn package": (docx("x")[:-30], Refusal.UNREADABLE),
    "old macros": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "_VBA_PROJECT".encode("utf-16-le"),
        Refusal.MACROS,
    ),
    "old and locked": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
        Refusal.ENCRYPTED,
    ),
    "silent film": (b"\0\0\0\x18ftypmp42" + bytes(400), Refusal.UNREADABLE),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inspection() -> AsyncIterator[InspectionWorkers]:
    made = InspectionWorkers(processes=1, memory_bytes=1536 << 20, seconds=60, office="")
    yield made
    await made.stop()


async def look(inspection: InspectionWorkers, data: bytes, work: Path, *, name: str = "a.bin") -> Inspected:
    file = work / "sent"
    file.write_bytes(data)
    source = os.open(file, os.O_RDONLY)
    file.unlink()
    try:
        return await inspection.look(source, name=name, work=work)
    finally:
        os.close(source)


@pytest.mark.parametrize("what", list(REFUSED))
async def test_file__that_nobody_takes__is_refused_with_its_reason(
    inspection: InspectionWorkers, tmp_path: Path, what: str
) -> None:
    data, reason = REFUSED[what]
    with pytest.raises(RefusedFile) as refused:
        await look(inspection, data, tmp_path)
    assert refused.value.reason is reason, refused.value.detail


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_picture__of_each_kind__is_known_by_its_bytes_and_previewed_bare(
    inspection: InspectionWorkers, tmp_path: Path, kind: str
) -> None:
    seen = await look(inspection, photo(1700, 850, kind=kind), tmp_path, name="named_wrongly.exe")
    assert (seen.media_type, seen.width, seen.height) == (f"image/{kind.lower()}", 1700, 850)
    assert "name_ending" in seen.findings
    assert ("location" in seen.findings) == (kind in ("JPEG", "WEBP"))
    assert seen.preview is not None
    bare = seen.preview.read_bytes()
    assert b"CAMERA-MAKER" not in bare
    assert b"Exif" not in bare
    with Image.open(seen.preview) as shown:
        assert shown.size == (1600, 800)


async def test_picture_of_an_iphone__is_shown_to_everybody(
    inspection: InspectionWorkers, tmp_path: Path
) -> None:
    data = (Path(__file__).parent / "iphone_like.heic").read_bytes()
    seen = await look(inspection, data, tmp_path, name="IMG_0001.HEIC")
    assert (seen.kind, seen.media_type, seen.findings) == (AttachmentKind.IMAGE, "image/heic", ())
    assert seen.preview is not None
    red, green, blue = Image.open(seen.preview).convert("RGB").getpixel((4, 4))  # type: ignore[misc]
    assert red > 150
    assert max(green, blue) < 120


async def test_pdf__with_wishes__is_taken_and_they_are_named(
    inspection: InspectionWorkers, tmp_path: Path
) -> None:
    data = pdf("Claim one", "Claim two", catalog="/OpenAction 5 0 R", extra=_SCRIPT)
    seen = await look(inspection, data, tmp_path, name="a.pdf")
    assert (seen.pages, seen.texts, seen.findings) == (2, ("Claim one", "Claim two"), ("pdf_script",))
    launch = pdf("x", catalog="/OpenAction 5 0 R", extra="<< /S /Launch /F (cmd.exe) >>")
    assert (await look(inspection, launch, tmp_path, name="a.pdf")).findings == ("pdf_launch",)
    source = os.open(_written(tmp_path, data), os.O_RDONLY)
    try:
        file, width, height = await inspection.page(source, page=2, work=tmp_path)
        with Image.open(file) as drawn:
            assert drawn.size == (width, height)
        assert max(width, height) == 1800
        with pytest.raises(RefusedFile):
            await inspection.page(source, page=3, work=tmp_path)
    finally:
        os.close(source)


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "page-source"
    path.write_bytes(data)
    return path


async def test_office_package__without_the_program__is_taken_with_its_words(
    inspection: InspectionWorkers, tmp_path: Path
) -> None:
    seen = await look(inspection, docx("借条", "人民币贰佰元"), tmp_path, name="a.docx")
    assert seen.texts == ("借条\n人民币贰佰元",)
    assert seen.findings == ("no_preview",)
    linked = docx("x", more={"word/_rels/settings.xml.rels": _RELATION})
    assert "outside_links" in (await look(inspection, linked, tmp_path, name="a.docx")).findings
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "WordDocument".encode("utf-16-le")
    with pytest.raises(RefusedFile) as refused:
        await look(inspection, old, tmp_path, name="a.doc")
    assert refused.value.reason is Refusal.OFFICE_MISSING


@pytest.mark.parametrize(
    ("data", "words"), [("借条 IOU\n".encode(), "借条 IOU"), ("借条".encode("gb18030"), "借条")]
)
async def test_text__in_chinese_encodings__is_read(
    inspection: InspectionWorkers, tmp_path: Path, data: bytes, words: str
) -> None:
    seen = await look(inspection, data, tmp_path, name="a.txt")
    assert (seen.media_type, seen.texts[0].strip()) == ("text/plain", words)


async def test_film_and_sound__are_measured_and_shown(inspection: InspectionWorkers, tmp_path: Path) -> None:
    for ending, codec, media_type in (
        ("mp4", "libx264", "video/mp4"),
        ("mov", "libx264", "video/quicktime"),
        ("webm", "libvpx", "video/webm"),
    ):
        seen = await look(
            inspection, film(tmp_path / f"f.{ending}", codec=codec), tmp_path, name=f"f.{ending}"
        )
        assert (seen.kind, seen.media_type, seen.width, seen.height) == (
            AttachmentKind.VIDEO,
            media_type,
            320,
            180,
        )
        assert 1300 <= seen.duration_ms <= 1700
        assert seen.preview is not None
    for ending, codec, media_type in (
        ("wav", "pcm_s16le", "audio/wav"),
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("m4a", "aac", "audio/mp4"),
    ):
        seen = await look(
            inspection, sound(tmp_path / f"s.{ending}", codec=codec), tmp_path, name=f"s.{ending}"
        )
        assert (seen.kind, seen.media_type, seen.findings) == (AttachmentKind.AUDIO, media_type, ())
        assert 900 <= seen.duration_ms <= 1200
        assert len(seen.waveform) == 64
        assert seen.rendition is not None


async def test_process__killed_over_a_file__is_replaced_and_the_file_refused_after_two(
    tmp_path: Path,
) -> None:
    made = InspectionWorkers(processes=1, memory_bytes=1536 << 20, seconds=60, office="")
    try:
        assert (await look(made, photo(), tmp_path)).width == 600
        killed = 0

        async def kill_all() -> None:
            nonlocal killed
            while killed < 2:
                for worker in list(made._busy):
                    worker._process.kill()
                    killed += 1
                    await asyncio.sleep(0.3)
                await asyncio.sleep(0.001)

        killing = asyncio.create_task(kill_all())
        with pytest.raises(RefusedFile) as refused:
            await look(made, flat_picture(7000), tmp_path)
        await killing
        assert refused.value.reason is Refusal.UNREADABLE
        assert (await look(made, photo(), tmp_path)).width == 600, (
            "the next one is looked at by a new process"
        )
    finally:
        await made.stop()


async def test_file__that_takes_too_long__is_refused_and_its_process_ended(tmp_path: Path) -> None:
    made = InspectionWorkers(processes=1, memory_bytes=1536 << 20, seconds=0.05, office="")
    try:
        with pytest.raises(RefusedFile) as refused:
            await look(made, flat_picture(7000), tmp_path)
        assert refused.value.reason is Refusal.TOO_SLOW
        assert not made._idle
    finally:
        await made.stop()


async def test_memory__beyond_the_limit__costs_the_file_and_not_the_server(tmp_path: Path) -> None:
    made = InspectionWorkers(processes=1, memory_bytes=512 << 20, seconds=60, office="")
    try:
        with pytest.raises(RefusedFile) as refused:
            await look(made, flat_picture(7000, mode="RGBA"), tmp_path)
        assert refused.value.reason in (Refusal.BOMB, Refusal.UNREADABLE, Refusal.TOO_MANY_PIXELS)
    finally:
        await made.stop()


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed here")
async def test_office_documents__with_the_program__become_pages(tmp_path: Path) -> None:
    made = InspectionWorkers(processes=1, memory_bytes=1536 << 20, seconds=110, office="soffice")
    try:
        seen = await look(made, docx("借条", "今借到人民币贰佰元"), tmp_path, name="a.docx")
        assert (seen.pages, seen.findings) == (1, ())
        assert seen.preview is not None
        assert seen.rendition is not None
        assert seen.rendition.read_bytes().startswith(b"%PDF-")
        assert "人民币" in seen.texts[0]
    finally:
        await made.stop()


async def test_bytes__flipped_anywhere__are_refused_or_shown_and_never_break_it(
    inspection: InspectionWorkers, tmp_path: Path
) -> None:
    outcomes: set[AttachmentKind | Refusal] = set()
    for whole in (photo(64, 48, kind="PNG"), pdf("x"), docx("x")):
        for place in range(0, len(whole), max(1, len(whole) // 25)):
            broken = bytearray(whole)
            broken[place] ^= 0xFF
            try:
                outcomes.add((await look(inspection, bytes(broken), tmp_path)).kind)
            except RefusedFile as refused:
                outcomes.add(refused.reason)
    assert Refusal.UNREADABLE in outcomes
    assert workers._FILES_A_LIFE > 0
