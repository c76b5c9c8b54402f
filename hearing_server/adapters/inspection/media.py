"""Untrusted sound and film: opened by FFmpeg from a short list of containers, looked at, not believed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream
from PIL import Image

from hearing_server.adapters.inspection.pictures import save_preview
from hearing_server.domain.case_space.attachments import AttachmentKind, Finding, Refusal
from hearing_server.errors import Invalid
from hearing_server.ports.attachments import Inspected, RefusedFile

# Longer than any hearing day; a header may promise anything.
_MAX_DURATION_MS = 12 * 3600 * 1000
_MAX_FRAME_PIXELS = 8192 * 4352
_POSTER_SIDE_PX = 1280
# The first second is often black.
_POSTER_AT_S = 1.0
_FRAMES_TRIED = 240
_CONTAINERS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,ogg,mp3,wav,amr"
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
_SOUND_TYPES = {
    "mp4": "audio/mp4",
    "mov": "audio/mp4",
    "webm": "audio/webm",
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "amr": "audio/amr",
}
_FILM_TYPES = {"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm"}
_STILL = (0,) * 64


def look_at_media(source: Path, word: str, work: Path) -> Inspected:
    """Errors: RefusedFile."""
    try:
        with av.open(str(source), options=dict(_OPTIONS), timeout=(10.0, 10.0)) as container:
            films = [one for one in container.streams.video if not _is_cover(one)]
            if films and word in _FILM_TYPES:
                return _look_at_film(container, films[0], word, work)
            if not container.streams.audio:
                raise RefusedFile(Refusal.UNREADABLE, "no stream")
            duration_ms = _duration_ms(container)
    except (av.FFmpegError, EOFError, ValueError, ArithmeticError, AttributeError) as error:
        raise RefusedFile(Refusal.UNREADABLE, type(error).__name__) from error
    return _look_at_sound(source, word, work, duration_ms)


def _look_at_film(container: InputContainer, stream: VideoStream, word: str, work: Path) -> Inspected:
    if stream.width * stream.height > _MAX_FRAME_PIXELS:
        raise RefusedFile(Refusal.TOO_MANY_PIXELS)
    duration_ms = _duration_ms(container)
    if duration_ms > _MAX_DURATION_MS:
        raise RefusedFile(Refusal.TOO_LONG)
    poster = _poster(container, stream, duration_ms)
    preview = save_preview(poster, work / "preview.jpg", side_px=_POSTER_SIDE_PX)
    return Inspected(
        AttachmentKind.VIDEO, _FILM_TYPES[word], width=poster.width, height=poster.height,
        duration_ms=max(1, duration_ms), preview=preview,
    )  # fmt: skip


def _poster(container: InputContainer, stream: VideoStream, duration_ms: int) -> Image.Image:
    """A picture about one second in, upright; the first that can be decoded when that fails."""
    stream.thread_type = "NONE"
    at_s = min(_POSTER_AT_S, duration_ms / 3000)
    with contextlib.suppress(av.FFmpegError):
        container.seek(round(at_s * 1_000_000), backward=True)
    first = None
    for number, frame in enumerate(container.decode(stream)):
        if frame.width * frame.height > _MAX_FRAME_PIXELS:
            raise RefusedFile(Refusal.TOO_MANY_PIXELS)
        first = frame
        if (frame.time or 0.0) >= at_s or number >= _FRAMES_TRIED:
            break
    if first is None:
        raise RefusedFile(Refusal.UNREADABLE, "no picture")
    image: Image.Image = first.to_image()  # type: ignore[no-untyped-call]
    turn = round(getattr(first, "rotation", 0) or 0) % 360
    return image.rotate(turn, expand=True) if turn else image


def _look_at_sound(source: Path, word: str, work: Path, duration_ms: int) -> Inspected:
    """Everybody hears one form of it (`sound.py`); a recording of hours stays what it is."""
    from hearing_server.adapters.inspection.sound import normalise

    if duration_ms > _MAX_DURATION_MS:
        raise RefusedFile(Refusal.TOO_LONG)
    target = work / "sound.m4a"
    try:
        sound = normalise(source, target)
    except Invalid as error:
        if error.code == "sound.too_long":
            return Inspected(
                AttachmentKind.AUDIO, _SOUND_TYPES[word], duration_ms=max(1, duration_ms), waveform=_STILL,
                findings=(Finding.NO_PREVIEW.value,),
            )  # fmt: skip
        raise RefusedFile(Refusal.UNREADABLE, error.code) from error
    return Inspected(
        AttachmentKind.AUDIO, _SOUND_TYPES[word], duration_ms=sound.duration_ms, waveform=sound.waveform,
        rendition=target,
    )  # fmt: skip


def _duration_ms(container: InputContainer) -> int:
    """As the container says it, else as its longest stream does; browsers write films that say nothing: 0."""
    if container.duration:
        return int(container.duration // 1000)
    lengths = [
        float(stream.duration * stream.time_base) * 1000
        for stream in container.streams
        if stream.duration and stream.time_base
    ]
    return int(max(lengths, default=0.0))


def _is_cover(stream: VideoStream) -> bool:
    """A picture of an album is no film."""
    return bool(stream.disposition & stream.disposition.attached_pic) or stream.codec_context.name in (
        "png",
        "bmp",
    )
