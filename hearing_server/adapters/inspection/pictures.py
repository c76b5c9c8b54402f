"""Untrusted pictures: measured before they are decoded, re-encoded for showing."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

from hearing_server.domain.case_space.attachments import AttachmentKind, Finding, Refusal
from hearing_server.ports.attachments import Inspected, RefusedFile

_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "HEIF": "image/heic",
}
# A decoded pixel takes up to four bytes. JPEG is decoded at a fraction of its size, the others whole.
_MAX_PIXELS = 60_000_000
_MAX_JPEG_PIXELS = 120_000_000
_MAX_SIDE_PX = 30_000
# The preview: sharp on a phone held close, small enough for a slow link.
PREVIEW_SIDE_PX = 1600
PREVIEW_QUALITY = 82
_GPS_IFD = 0x8825
_ORIENTATION = 0x0112
# What decoders raise on broken files, besides OSError (Pillow has no one class for it).
BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    ZeroDivisionError,
    RuntimeError,
    struct.error,
)


def look_at_picture(file: BinaryIO, word: str, work: Path) -> Inspected:
    """Errors: RefusedFile."""
    if word == "HEIF":
        _learn_heif()
    try:
        file.seek(0)
        with Image.open(file, formats=[word]) as image:
            _check_size(image.size, word)
            exif = image.getexif()
            # Pillow turns HEIF upright while it opens it; the others are turned here.
            sideways = word != "HEIF" and exif.get(_ORIENTATION, 1) in (5, 6, 7, 8)
            width, height = reversed(image.size) if sideways else image.size
            findings = (Finding.LOCATION.value,) if exif.get_ifd(_GPS_IFD) else ()
            image.draft("RGB", (PREVIEW_SIDE_PX, PREVIEW_SIDE_PX))
            image.load()
            preview = save_preview(image, work / "preview.jpg")
    except Image.DecompressionBombError as error:
        raise RefusedFile(Refusal.TOO_MANY_PIXELS) from error
    except BROKEN as error:
        raise RefusedFile(Refusal.UNREADABLE, type(error).__name__) from error
    return Inspected(
        AttachmentKind.IMAGE, _TYPES[word], width=width, height=height, findings=findings, preview=preview
    )


def save_preview(image: Image.Image, path: Path, *, side_px: int = PREVIEW_SIDE_PX) -> Path:
    """Upright, on white, without any metadata (place and device of a photo are not for everybody)."""
    shown = ImageOps.exif_transpose(image)
    if shown.mode not in ("RGB", "L"):
        layer = shown.convert("RGBA")
        shown = Image.new("RGB", layer.size, "white")
        shown.paste(layer, mask=layer.getchannel("A"))
    shown.thumbnail((side_px, side_px))
    bare = Image.frombytes(shown.mode, shown.size, shown.tobytes())
    bare.save(path, "JPEG", quality=PREVIEW_QUALITY, optimize=True)
    return path


def _check_size(size: tuple[int, int], word: str) -> None:
    limit = _MAX_JPEG_PIXELS if word == "JPEG" else _MAX_PIXELS
    if size[0] * size[1] > limit or max(size) > _MAX_SIDE_PX or min(size) < 1:
        raise RefusedFile(Refusal.TOO_MANY_PIXELS)


def _learn_heif() -> None:
    """iPhones' pictures, once per process."""
    import pi_heif

    pi_heif.register_heif_opener()
