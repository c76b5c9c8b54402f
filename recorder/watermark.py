"""A film as one viewer gets it: piece by piece, with who watches and when burnt into every picture.

A piece is an MPEG transport stream of a few seconds that plays alone or after any other piece of the same film (HLS,
RFC 8216): pictures are decoded, marked and encoded anew, sound is copied packet by packet, so that no seam is heard.
Run as `python -m recorder.watermark`: a worker that reads one JSON request per line from stdin,
{"film", "from_s", "seconds", "text"}, and answers each with a line {"ok": true, "bytes": N} and N bytes, or with
{"ok": false, "code"}.
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
from av import VideoFrame
from av.container import InputContainer
from av.filter import Graph
from av.stream import Stream
from av.video.stream import VideoStream
from PIL import Image, ImageDraw, ImageFont

from recorder.plates import font_path

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
    """`from_s` and `seconds` in film time; pictures from `from_s` on, before `from_s + seconds`."""

    film: Path
    from_s: float
    seconds: float
    text: str


def marked_piece(request: PieceRequest) -> bytes:
    """The piece as an MPEG transport stream. ValueError: nothing of the film lies there; OSError, av.FFmpegError."""
    from_s, until_s = request.from_s, request.from_s + min(request.seconds, MAX_SECONDS)
    made = io.BytesIO()
    with (
        av.open(str(request.film)) as film,
        av.open(made, "w", format="mpegts", options={"mpegts_copyts": "1"}) as out,
    ):
        source = film.streams.video[0]
        source.thread_type = "AUTO"
        source.codec_context.thread_count = 2
        video = _video_of(out, source)
        sound = film.streams.audio[0] if film.streams.audio else None
        copied = out.add_stream_from_template(sound) if sound is not None else None
        _seek(film, source, from_s)
        marker = _Marker(source, request.text[:MAX_TEXT_CHARACTERS])
        pictures = 0
        wanted: list[Stream] = [source] if sound is None else [source, sound]
        is_over = {stream.index: False for stream in wanted}
        for packet in film.demux(wanted):
            at_s = None if packet.pts is None else float(packet.pts * packet.time_base)
            if sound is not None and packet.stream.index == sound.index:
                assert copied is not None
                if at_s is not None and from_s <= at_s < until_s:
                    _shift(packet)
                    packet.stream = copied
                    out.mux(packet)
                is_over[sound.index] |= at_s is not None and at_s >= until_s
            elif not is_over[source.index]:
                for frame in packet.decode():
                    if not from_s <= frame.time < until_s:
                        is_over[source.index] |= frame.time >= until_s
                        continue
                    marked = marker.mark(frame)
                    marked.pts = round((frame.time + _CLOCK_START_S) * _TS_RATE_HZ)
                    marked.time_base = Fraction(1, _TS_RATE_HZ)
                    marked.pict_type = (
                        av.video.frame.PictureType.I if pictures == 0 else av.video.frame.PictureType.NONE
                    )
                    pictures += 1
                    out.mux(video.encode(marked))
            if all(is_over.values()):
                break
        if not pictures:
            raise ValueError("nothing of the film lies there")
        out.mux(video.encode(None))
    return made.getvalue()


def _video_of(out: Any, source: VideoStream) -> VideoStream:
    video: VideoStream = out.add_stream("libx264", rate=source.average_rate, options=_VIDEO_OPTIONS)
    video.width, video.height, video.pix_fmt = source.width, source.height, "yuv420p"
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


def _shift(packet: Any) -> None:
    ticks = round(_CLOCK_START_S / packet.time_base)
    packet.pts += ticks
    packet.dts = packet.pts


class _Marker:
    """Lays the text over pictures, in the library's own filter: a picture costs a millisecond."""

    def __init__(self, source: VideoStream, text: str) -> None:
        self._graph = graph = Graph()
        size, rate = f"{source.width}x{source.height}", source.average_rate
        timing = f"time_base=1/{_TS_RATE_HZ}:pixel_aspect=1/1:frame_rate={rate}"
        self._pictures = graph.add("buffer", f"video_size={size}:pix_fmt=yuv420p:{timing}")
        self._mark = graph.add("buffer", f"video_size={size}:pix_fmt=yuva420p:{timing}")
        overlay = graph.add("overlay", "eof_action=repeat:format=yuv420")
        self._sink = graph.add("buffersink")
        self._pictures.link_to(overlay, 0, 0)
        self._mark.link_to(overlay, 0, 1)
        overlay.link_to(self._sink)
        graph.configure()
        still = _see_through(_sheet(text, source.width, source.height)).reformat(format="yuva420p")
        still.pts, still.time_base = 0, Fraction(1, _TS_RATE_HZ)
        self._mark.push(still)
        self._mark.push(None)

    def mark(self, frame: VideoFrame) -> VideoFrame:
        frame.pts = round(frame.time * _TS_RATE_HZ)
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
        Path(asked["film"]), float(asked["from_s"]), float(asked["seconds"]), str(asked["text"])
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
