"""Files as people send them, and as nobody should: made here, small, each of one kind."""

from __future__ import annotations

import array
import io
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import Image

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "application/vnd.openxmlformats-officedocument"
WORD_MAIN = f"{_OFFICE}.wordprocessingml.document.main+xml"
SHEET_MAIN = f"{_OFFICE}.spreadsheetml.sheet.main+xml"
MACRO_MAIN = "application/vnd.ms-word.document.macroEnabled.main+xml"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def photo(width: int = 600, height: int = 400, *, kind: str = "JPEG", turned: bool = False) -> bytes:
    """A picture with a place and a camera in its metadata."""
    image = Image.effect_noise((width, height), 40).convert("RGB")
    exif = Image.Exif()
    exif[0x010F] = "CAMERA-MAKER"
    if turned:
        exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    file = io.BytesIO()
    image.save(file, kind, exif=exif) if kind in ("JPEG", "WEBP") else image.save(file, kind)
    return file.getvalue()


def flat_picture(side: int, *, mode: str = "L") -> bytes:
    """Little to send and much to decode."""
    file = io.BytesIO()
    Image.new(mode, (side, side), 200 if mode == "L" else (10, 20, 30, 255)).save(
        file, "PNG", compress_level=1
    )
    return file.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A few hundred bytes that promise very many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 4096)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def pdf(*pages: str, catalog: str = "", extra: str = "", encrypted: bool = False) -> bytes:
    """A PDF of these lines of Latin text, a page each; `extra` is the content of object 5."""
    count = len(pages)
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(count))
    objects = {
        1: f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        2: f"<< /Type /Pages /Count {count} /Kids [{kids}] >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    for number, text in enumerate(pages):
        drawn = f"BT /F1 24 Tf 72 720 Td ({text}) Tj ET"
        objects[10 + 2 * number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {11 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects[11 + 2 * number] = f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream"
    if extra:
        objects[5] = extra
    if encrypted:
        objects[6] = f"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{'4f' * 32}> /U <{'55' * 32}> >>"
    file, places = io.BytesIO(), {}
    file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    for number, body in sorted(objects.items()):
        places[number] = file.tell()
        file.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    start = file.tell()
    file.write(b"xref\n0 1\n0000000000 65535 f \n")
    for number, at in sorted(places.items()):
        file.write(f"{number} 1\n{at:010d} 00000 n \n".encode())
    more = f"/Encrypt 6 0 R /ID [<{'41' * 16}> <{'41' * 16}>]" if encrypted else ""
    file.write(
        f"trailer\n<< /Size {max(places) + 1} /Root 1 0 R {more} >>\nstartxref\n{start}\n%%EOF\n".encode()
    )
    return file.getvalue()


def package(parts: Mapping[str, bytes | str], *, main: str, part: str) -> bytes:
    """An office package with its table of contents and these parts."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{part}" ContentType="{main}"/></Types>'
    )
    relations = (
        f'<?xml version="1.0"?><Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" '
        f'Type="{_OFFICE_RELATIONS}/officeDocument" Target="{part}"/></Relationships>'
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", relations)
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def docx(*paragraphs: str, more: Mapping[str, bytes | str] | None = None, main: str = WORD_MAIN) -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    document = f'<?xml version="1.0"?><w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>'
    return package({"word/document.xml": document, **(more or {})}, main=main, part="word/document.xml")


def xlsx(rows: list[list[str]]) -> bytes:
    """One sheet of inline text."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
        for row in rows
    )
    parts = {
        "xl/workbook.xml": f'<?xml version="1.0"?><workbook xmlns="{space}" xmlns:r="{_OFFICE_RELATIONS}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<?xml version="1.0"?><Relationships xmlns="{_RELATIONS}"><Relationship '
        f'Id="r1" Type="{_OFFICE_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<?xml version="1.0"?><worksheet xmlns="{space}"><sheetData>{cells}'
        "</sheetData></worksheet>",
    }
    return package(parts, main=SHEET_MAIN, part="xl/workbook.xml")


def film(
    path: Path, *, seconds: float = 1.5, codec: str = "libx264", sides: tuple[int, int] = (320, 180)
) -> bytes:
    """Moving grey, in the container that the path's ending names."""
    with av.open(str(path), "w") as container:
        stream: VideoStream = container.add_stream(codec, rate=10)  # type: ignore[assignment]
        stream.width, stream.height = sides
        stream.pix_fmt = "yuv420p"
        for number in range(round(seconds * 10)):
            picture = Image.new("RGB", sides, (60 + number * 5,) * 3)
            container.mux(
                stream.encode(
                    av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
                )
            )
        container.mux(stream.encode(None))
    return path.read_bytes()


def sound(path: Path, *, seconds: float = 1.0, codec: str = "pcm_s16le", rate: int = 16_000) -> bytes:
    """A tone, in the container that the path's ending names."""
    with av.open(str(path), "w") as container:
        stream: AudioStream = container.add_stream(codec, rate=rate, layout="mono")  # type: ignore[assignment]
        wave = array.array("h", (round(math.sin(at * 0.17) * 12_000) for at in range(round(seconds * rate))))
        size = stream.codec_context.frame_size or 1024
        for at in range(0, len(wave), size):
            part = wave[at : at + size]
            frame = av.AudioFrame(format="s16", layout="mono", samples=len(part))
            frame.planes[0].update(part.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
            frame.sample_rate, frame.pts = rate, at
            for converted in av.AudioResampler(stream.format, "mono", rate).resample(frame):
                container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return path.read_bytes()
