"""Untrusted pictures: sniffed by their first bytes, measured before they are decoded, re-encoded for showing."""

from __future__ import annotations

import asyncio
import io
import struct
from pathlib import Path

import puremagic
from PIL import Image, ImageOps

from hearing_server.errors import Invalid
from hearing_server.ports.objects import PictureSeen

# What Pillow calls them → media type. Only these decoders are tried.
_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
_EXTENSIONS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".gif": "GIF",
}
# A decoded pixel takes up to four bytes. JPEG is decoded at a fraction of its size, the others whole.
_MAX_PIXELS = 40_000_000
_MAX_JPEG_PIXELS = 120_000_000
_MAX_SIDE_PX = 30_000
# The preview: sharp on a phone held close, small enough for a slow link.
_PREVIEW_SIDE_PX = 1600
_PREVIEW_QUALITY = 82
# Two pictures at a time: memory is bounded and one core stays for everybody else.
_AT_ONCE = 2
# What decoders raise on broken files, besides OSError (Pillow has no one class for it).
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    ZeroDivisionError,
    struct.error,
)


class PillowPictures:
    """`ports.objects.PictureReader`."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def read(self, path: Path) -> PictureSeen:
        async with self._turns:
            return await asyncio.to_thread(_read, path)


def _read(path: Path) -> PictureSeen:
    kind = _sniff(path)
    try:
        with Image.open(path, formats=[kind]) as image:
            _check_size(image.size, kind)
            # JPEG only: decode at the smallest scale that still fills the preview.
            sideways = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            width, height = reversed(image.size) if sideways else image.size
            image.draft("RGB", (_PREVIEW_SIDE_PX, _PREVIEW_SIDE_PX))
            image.load()
            preview = _preview(image)
    except Image.DecompressionBombError as error:
        # The library's own limit, far above ours, speaks before we can ask for the size.
        raise _too_many_pixels() from error
    except _BROKEN as error:
        raise Invalid(
            "attachment.unreadable",
            zh="图片已损坏或不完整，无法打开",
            en="The picture is damaged or incomplete and can't be opened",
        ) from error
    return PictureSeen(_TYPES[kind], width, height, preview)


def _sniff(path: Path) -> str:
    """The decoder for these first bytes; whatever the name or the sender says."""
    with path.open("rb") as file:
        head = file.read(4096)
    try:
        extension = puremagic.from_string(head)
    except puremagic.PureError:
        extension = ""
    kind = _EXTENSIONS.get(extension.lower())
    if kind is None:
        raise Invalid(
            "attachment.type",
            zh="仅支持 JPEG、PNG、WebP、GIF 图片",
            en="Only JPEG, PNG, WebP and GIF pictures can be sent",
        )
    return kind


def _check_size(size: tuple[int, int], kind: str) -> None:
    limit = _MAX_JPEG_PIXELS if kind == "JPEG" else _MAX_PIXELS
    if size[0] * size[1] > limit or max(size) > _MAX_SIDE_PX or min(size) < 1:
        raise _too_many_pixels()


def _too_many_pixels() -> Invalid:
    return Invalid(
        "attachment.too_many_pixels",
        zh="图片尺寸过大，请缩小后再发送",
        en="The picture has too many pixels; please make it smaller",
    )


def _preview(image: Image.Image) -> bytes:
    """Upright, on white, without any metadata (place and device of a photo are not for everybody)."""
    shown = ImageOps.exif_transpose(image)
    if shown.mode not in ("RGB", "L"):
        layer = shown.convert("RGBA")
        shown = Image.new("RGB", layer.size, "white")
        shown.paste(layer, mask=layer.getchannel("A"))
    shown.thumbnail((_PREVIEW_SIDE_PX, _PREVIEW_SIDE_PX))
    file = io.BytesIO()
    Image.frombytes(shown.mode, shown.size, shown.tobytes()).save(
        file, "JPEG", quality=_PREVIEW_QUALITY, optimize=True
    )
    return file.getvalue()
