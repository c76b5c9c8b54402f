"""A film as one viewer gets it: piece by piece, with who watches and when burnt into every picture.

A piece is an MPEG transport stream of a few seconds that plays alone or after any other piece of the same film (HLS,
RFC 8216): pictures are decoded, marked and encoded anew, sound is copied packet by packet, so that no seam is heard.
Run as `python -m recorder.delivery.watermark`: a worker that reads one JSON request per line from stdin,
{"film", "from_s", "seconds", "text", "height_px"?}, and answers each with a line {"ok": true, "bytes": N} and N bytes,
or with {"ok": false, "code"}.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import av
from av import Packet, VideoFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.filter import Graph
from av.video.frame import PictureType
from av.video.stream import VideoStream
from PIL import Image, ImageDraw, ImageFont

from recorder.film.plates import font_path

NICE_LEVEL: Final = 10
MEMORY_BYTES: Final = 2 << 30
MAX_SECONDS: Final = 30.0
MAX_TEXT_CHARACTERS: Final = 80
# Seen on white and on black, read over by who looks at the faces.
_INK: Final = (255, 255, 255, 46)
_EDGE: Final = (0, 0, 0, 40)
_SIZE_SHARE: Final = 0.033  # of the height
_TILT_DEGREES: Final = 18
_STEP_SHARE: Final = 0.24  # of the height, from line to line
# Encoded once per viewer, watched once: speed before bytes.
_VIDEO_OPTIONS: Final = {"preset": "superfast", "crf": "26", "profile": "high", "bf": "0"}
# The clock of a transport stream begins above zero, so that no time before a key frame is negative.
_CLOCK_START_S: Final = 10
_TS_RATE_HZ: Final = 90_000


@dataclass(frozen=True, slots=True)
class PieceRequest:
    """`from_s` and `seconds` in film time; pictures from `from_s` on, before `from_s + seconds`.

    `height_px`: made smaller for whoever watches several beside each other; 0 as large as the film.
    """

    film: Path
    from_s: float
    seconds: float
    text: str
    height_px: int = 0


def marked_piece(request: PieceRequest) -> bytes:
    """The piece as an MPEG transport stream. ValueError: nothing of the film lies there; OSError, av.FFmpegError."""
    made = io.BytesIO()
    with (
        av.open(str(request.film)) as film,
        av.open(made, "w", format="mpegts", options={"mpegts_copyts": "1"}) as out,
    ):
        pictures = film.streams.video[0]
        pictures.thread_type = "AUTO"
        pictures.codec_context.thread_count = 2
        sound = film.streams.audio[0] if film.streams.audio else None
        piece = _Piece(request, out, pictures, sound)
        _seek(film, pictures, request.from_s)
        waited: set[int] = {pictures.index} if sound is None else {pictures.index, sound.index}
        for packet in film.demux([stream for stream in (pictures, sound) if stream is not None]):
            if packet.stream.index not in waited:
                continue
            take = piece.take_picture if packet.stream.index == pictures.index else piece.take_sound
            if take(packet):
                waited.discard(packet.stream.index)
            if not waited:
                break
        piece.finish()
    return made.getvalue()


class _Piece:
    """The piece being made; `take_…` answers whether that stream has passed the piece's end."""

    def __init__(
        self, request: PieceRequest, out: OutputContainer, pictures: VideoStream, sound: AudioStream | None
    ) -> None:
        self._from_s = request.from_s
        self._until_s = request.from_s + min(request.seconds, MAX_SECONDS)
        self._out = out
        size = _size(pictures, request.height_px)
        self._video = _video_of(out, pictures, size)
        self._copied = out.add_stream_from_template(sound) if sound is not None else None
        self._marker = _Marker(pictures, size, request.text[:MAX_TEXT_CHARACTERS])
        self._count = 0

    def take_sound(self, packet: Packet[Any]) -> bool:
        if packet.pts is None:
            return False
        at_s = float(packet.pts * packet.time_base)
        if self._from_s <= at_s < self._until_s:
            assert self._copied is not None
            packet.pts += round(_CLOCK_START_S / packet.time_base)
            packet.dts = packet.pts
            packet.stream = self._copied
            self._out.mux(packet)
        return at_s >= self._until_s

    def take_picture(self, packet: Packet[Any]) -> bool:
        for frame in packet.decode():
            if not isinstance(frame, VideoFrame) or frame.time is None or frame.time < self._from_s:
                continue
            if frame.time >= self._until_s:
                return True
            marked = self._marker.mark(frame)
            marked.pts = round((frame.time + _CLOCK_START_S) * _TS_RATE_HZ)
            marked.time_base = Fraction(1, _TS_RATE_HZ)
            marked.pict_type = PictureType.NONE if self._count else PictureType.I
            self._count += 1
            self._out.mux(self._video.encode(marked))
        return False

    def finish(self) -> None:
        if not self._count:
            raise ValueError("nothing of the film lies there")
        self._out.mux(self._video.encode(None))


def _size(source: VideoStream, height_px: int) -> tuple[int, int]:
    """Width and height of what is delivered: even, never larger than the film."""
    height = min(height_px, source.height) & ~1 if height_px else source.height
    return (source.width * height // source.height) & ~1, height


def _video_of(out: Any, source: VideoStream, size: tuple[int, int]) -> VideoStream:
    video: VideoStream = out.add_stream("libx264", rate=source.average_rate, options=_VIDEO_OPTIONS)
    video.width, video.height, video.pix_fmt = *size, "yuv420p"
    context = video.codec_context
    context.time_base = Fraction(1, _TS_RATE_HZ)
    context.gop_size = 10_000  # one key frame, the first
    context.thread_count = 2
    for name in ("colorspace", "color_primaries", "color_trc", "color_range"):
        setattr(context, name, getattr(source.codec_context, name))
    return video


def _seek(film: InputContainer, source: VideoStream, from_s: float) -> None:
    assert source.time_base is not None
    film.seek(max(0, int(from_s / source.time_base)), stream=source, backward=True)


class _Marker:
    """Lays the text over pictures, in the library's own filter: a picture costs a millisecond."""

    def __init__(self, source: VideoStream, size: tuple[int, int], text: str) -> None:
        self._graph = graph = Graph()
        width, height = size
        timing = f"time_base=1/{_TS_RATE_HZ}:pixel_aspect=1/1:frame_rate={source.average_rate}"
        of_film = f"video_size={source.width}x{source.height}"
        self._pictures = graph.add("buffer", f"{of_film}:pix_fmt=yuv420p:{timing}")
        self._mark = graph.add("buffer", f"video_size={width}x{height}:pix_fmt=yuva420p:{timing}")
        overlay = graph.add("overlay", "eof_action=repeat:format=yuv420")
        self._sink = graph.add("buffersink")
        if size == (source.width, source.height):
            self._pictures.link_to(overlay, 0, 0)
        else:
            scale = graph.add("scale", f"{width}:{height}:flags=bilinear")
            self._pictures.link_to(scale)
            scale.link_to(overlay, 0, 0)
        self._mark.link_to(overlay, 0, 1)
        overlay.link_to(self._sink)
        graph.configure()
        still = _see_through(_sheet(text, width, height)).reformat(format="yuva420p")
        still.pts, still.time_base = 0, Fraction(1, _TS_RATE_HZ)
        self._mark.push(still)
        self._mark.push(None)

    def mark(self, frame: VideoFrame) -> VideoFrame:
        frame.pts = round((frame.time or 0.0) * _TS_RATE_HZ)
        frame.time_base = Fraction(1, _TS_RATE_HZ)
        self._pictures.push(frame)
        marked = self._sink.pull()
        assert isinstance(marked, VideoFrame)
        return marked


def _see_through(image: Image.Image) -> VideoFrame:
    """With its transparency, which the library's own conversion drops."""
    frame = VideoFrame(image.width, image.height, "rgba")
    plane, row = frame.planes[0], image.width * 4
    pixels = image.tobytes()
    padding = bytes(plane.line_size - row)
    plane.update(b"".join(pixels[at : at + row] + padding for at in range(0, len(pixels), row)))
    return frame


@lru_cache(maxsize=8)
def _sheet(text: str, width_px: int, height_px: int) -> Image.Image:
    """A clear page with the text in tilted lines, each moved against the one above."""
    font = ImageFont.truetype(str(font_path()), max(12, round(height_px * _SIZE_SHARE)))
    side = int((width_px**2 + height_px**2) ** 0.5) + 2
    page = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(page)
    along = round(font.getlength(text) * 1.35) or side
    step = round(height_px * _STEP_SHARE)
    for row, y in enumerate(range(0, side, step)):
        for x in range(-(row % 3) * along // 3 - along, side, along):
            draw.text((x, y), text, font=font, fill=_INK, stroke_width=1, stroke_fill=_EDGE)
    tilted = page.rotate(_TILT_DEGREES, resample=Image.Resampling.BICUBIC)
    left, top = (side - width_px) // 2, (side - height_px) // 2
    return tilted.crop((left, top, left + width_px, top + height_px))


def _request(line: str) -> PieceRequest:
    asked = json.loads(line)
    return PieceRequest(
        Path(asked["film"]),
        float(asked["from_s"]),
        float(asked["seconds"]),
        str(asked["text"]),
        int(asked.get("height_px", 0)),
    )


def main() -> int:
    os.nice(NICE_LEVEL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    out = sys.stdout.buffer
    for line in iter(sys.stdin.readline, ""):
        piece = b""
        try:
            piece = marked_piece(_request(line))
            answer: dict[str, object] = {"ok": True, "bytes": len(piece)}
        except (ValueError, KeyError, TypeError):
            answer = {"ok": False, "code": "replay.no_such_piece"}
        except (OSError, av.FFmpegError, MemoryError):
            answer = {"ok": False, "code": "replay.failed"}
        out.write(json.dumps(answer).encode() + b"\n" + piece)
        out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
