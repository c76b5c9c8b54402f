"""Measures a finished film: length, what each cell shows when, which tone sounds when, how far both are apart.

Made for flash-and-beep sources: a picture that turns white and a tone that sounds at the same moment.
Used by the recorder tests and by the browser story.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from pathlib import Path

import av

from recorder.film.grid import FILM_HEIGHT_PX, FILM_WIDTH_PX, Box

# Every eighth pixel is enough to see a colour, and keeps a minute of film at 32 MB.
SHRINK = 8
SOUND_RATE_HZ = 8000
WINDOW_SAMPLES = 80  # 10 ms
HOP_SAMPLES = 16  # 2 ms


@dataclass(frozen=True)
class FilmFrame:
    """One frame, shrunk. Planes are Y, U, V with their widths."""

    at_s: float
    planes: tuple[bytes, bytes, bytes]


class FilmProbe:
    """A decoded film. All times in seconds of the film."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames: list[FilmFrame] = []
        self.sound = array("h")
        with av.open(str(path)) as container:
            self.duration_s = float(container.duration or 0) / 1_000_000
            self.video_codec = container.streams.video[0].codec_context.name
            self.audio_codec = container.streams.audio[0].codec_context.name
            self.width = container.streams.video[0].codec_context.width
            self.height = container.streams.video[0].codec_context.height
            self.title = container.metadata.get("title", "")
            self._decode(container)

    def _decode(self, container: av.container.InputContainer) -> None:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SOUND_RATE_HZ)
        for frame in container.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                small = frame.reformat(
                    self.width // SHRINK, self.height // SHRINK, "yuv420p", interpolation="AREA"
                )
                planes = (_tight(small, 0), _tight(small, 1), _tight(small, 2))
                self.frames.append(FilmFrame(seconds_of(frame), planes))
            elif isinstance(frame, av.AudioFrame):
                if not self.sound:
                    self.sound.extend([0] * max(round(seconds_of(frame) * SOUND_RATE_HZ), 0))
                for part in resampler.resample(frame):
                    self.sound.frombytes(bytes(part.planes[0])[: 2 * part.samples])

    @property
    def picture_s(self) -> float:
        """Length of the pictures."""
        return len(self.frames) / 25

    @property
    def sound_s(self) -> float:
        """Length of the sound."""
        return len(self.sound) / SOUND_RATE_HZ

    @property
    def index_is_in_front(self) -> bool:
        """Players can start before the whole file is there (moov before mdat)."""
        head = self.path.read_bytes()
        return 0 < head.find(b"moov") < head.find(b"mdat")

    def colour(self, box: Box, at_s: float) -> tuple[float, float, float]:
        """Mean (Y, U, V) in the middle half of a box, in the frame shown at a moment."""
        index = min(max(int(at_s * 25 + 1e-6), 0), len(self.frames) - 1)
        return _mean_colour(self.frames[index], box)

    def flashes(self, box: Box) -> list[float]:
        """Moments at which the middle of a box turns white."""
        lumas = [_mean_colour(frame, box)[0] for frame in self.frames]
        return [
            self.frames[index].at_s
            for index in range(1, len(lumas))
            if lumas[index] > 190 and lumas[index - 1] <= 190
        ]

    def beeps(self, tone_hz: float) -> list[float]:
        """Moments at which a tone begins, to about 2 ms."""
        powers = [
            _tone_power(self.sound, at, tone_hz)
            for at in range(0, max(len(self.sound) - WINDOW_SAMPLES, 0), HOP_SAMPLES)
        ]
        loudest = max(powers, default=0.0)
        if loudest < 1e4:
            return []
        onsets: list[float] = []
        quiet_for = 10
        for index, power in enumerate(powers):
            if power > loudest / 4:
                if quiet_for >= 10:
                    # The window is half full of tone when its amplitude passes one half.
                    onsets.append((index * HOP_SAMPLES + WINDOW_SAMPLES / 2) / SOUND_RATE_HZ)
                quiet_for = 0
            else:
                quiet_for += 1
        return onsets

    def offsets_ms(self, box: Box, tone_hz: float) -> list[float]:
        """For every flash of a box, how much later its beep begins (negative: earlier). Only pairs within 0.4 s."""
        beeps = self.beeps(tone_hz)
        offsets = []
        for flash in self.flashes(box):
            nearest = min(beeps, key=lambda beep: abs(beep - flash), default=None)
            if nearest is not None and abs(nearest - flash) < 0.4:
                offsets.append((nearest - flash) * 1000)
        return offsets

    def save_png(self, at_s: float, path: Path) -> None:
        """Write the frame shown at a moment as a picture, to look at."""
        with av.open(str(self.path)) as container:
            container.seek(int(max(at_s - 2.5, 0) * 1_000_000))
            for frame in container.decode(video=0):
                if seconds_of(frame) >= at_s - 1e-6:
                    frame.save(path)
                    return


def seconds_of(frame: av.VideoFrame | av.AudioFrame) -> float:
    """Time of a decoded frame in the film."""
    assert frame.pts is not None
    assert frame.time_base is not None
    return float(frame.pts * frame.time_base)


def whole_film() -> Box:
    """The canvas."""
    return Box(0, 0, FILM_WIDTH_PX, FILM_HEIGHT_PX)


def _tight(frame: av.VideoFrame, index: int) -> bytes:
    plane = frame.planes[index]
    rows = memoryview(plane)
    return b"".join(
        rows[y * plane.line_size : y * plane.line_size + plane.width] for y in range(plane.height)
    )


def _mean_colour(frame: FilmFrame, box: Box) -> tuple[float, float, float]:
    means = []
    for index, plane in enumerate(frame.planes):
        shrink = SHRINK if index == 0 else 2 * SHRINK
        stride = FILM_WIDTH_PX // shrink
        left, right = (box.x + box.width * 2 // 5) // shrink, (box.x + box.width * 3 // 5) // shrink
        top, bottom = (box.y + box.height * 2 // 5) // shrink, (box.y + box.height * 3 // 5) // shrink
        values = b"".join(
            plane[y * stride + left : y * stride + max(right, left + 1)]
            for y in range(top, max(bottom, top + 1))
        )
        means.append(sum(values) / len(values))
    return means[0], means[1], means[2]


def _tone_power(samples: array[int], start: int, tone_hz: float) -> float:
    """Goertzel's measure of one frequency in a window."""
    factor = 2 * math.cos(2 * math.pi * tone_hz / SOUND_RATE_HZ)
    before = last = 0.0
    for value in samples[start : start + WINDOW_SAMPLES]:
        before, last = last, value + factor * last - before
    return last * last + before * before - factor * last * before
