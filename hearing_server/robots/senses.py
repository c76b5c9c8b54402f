"""A robot's face and voice: a moving picture of one colour, a tone of one pitch, flashing and beeping together.

Once a second the picture flashes white for 120 ms while the tone sounds for the same time: whoever looks at a film can
measure whether picture and sound are in step, who is who, and what is missing.
"""

from __future__ import annotations

import asyncio
import fractions
import math
import time
from array import array

import av
from aiortc.mediastreams import MediaStreamTrack

SAMPLE_RATE_HZ = 48_000
FRAME_SAMPLES = 960
BEEP_S = 0.12
# Luma and chroma of the robots' faces, and their pitches: far apart, so that a film's cells and voices are told apart.
COLOURS = ((90, 200, 100), (110, 90, 200), (140, 60, 90), (80, 120, 160), (150, 170, 60), (70, 160, 170))
PITCHES_HZ = (440, 660, 880, 1100, 1320, 550)


class Metronome:
    """One clock for face and voice of a robot."""

    def __init__(self) -> None:
        self.started_s = time.monotonic()

    def is_beat(self, at_s: float) -> bool:
        """Whether the flash and the beep are on at `at_s` seconds after the start."""
        return at_s % 1.0 < BEEP_S


class Voice(MediaStreamTrack):
    """20 ms frames of silence and beeps, in real time."""

    kind = "audio"

    def __init__(self, beat: Metronome, pitch_hz: int) -> None:
        super().__init__()
        self._beat = beat
        self._sample = 0
        turn = 2 * math.pi * pitch_hz / SAMPLE_RATE_HZ
        # A whole second of the wave, so that no robot computes sines while it speaks.
        self._wave = array("h", (int(math.sin(n * turn) * 9000) for n in range(SAMPLE_RATE_HZ)))

    async def recv(self) -> av.AudioFrame:
        at_s = self._sample / SAMPLE_RATE_HZ
        late_s = time.monotonic() - self._beat.started_s - at_s
        if late_s > 1.0:
            # A voice that begins later than the clock, or stood still with its process, speaks on from now.
            self._sample += int(late_s * SAMPLE_RATE_HZ) // FRAME_SAMPLES * FRAME_SAMPLES
            at_s = self._sample / SAMPLE_RATE_HZ
        await asyncio.sleep(max(0.0, self._beat.started_s + at_s - time.monotonic()))
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        first = self._sample % SAMPLE_RATE_HZ
        if self._beat.is_beat(at_s):
            frame.planes[0].update(self._wave[first : first + FRAME_SAMPLES].tobytes())
        else:
            frame.planes[0].update(bytes(FRAME_SAMPLES * 2))
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, self._sample
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE_HZ)
        self._sample += FRAME_SAMPLES
        return frame


class Face(MediaStreamTrack):
    """A colour with a walking bar, white on the beat."""

    kind = "video"

    def __init__(
        self, beat: Metronome, colour: tuple[int, int, int], *, size: tuple[int, int], rate_hz: int
    ) -> None:
        super().__init__()
        self._beat = beat
        self._colour = colour
        self._size = size
        self._rate_hz = rate_hz
        self._number = 0

    async def recv(self) -> av.VideoFrame:
        at_s = self._number / self._rate_hz
        late_s = time.monotonic() - self._beat.started_s - at_s
        if late_s > 1.0:
            # A machine that can't keep up skips pictures; it never runs after the clock.
            self._number += int(late_s * self._rate_hz)
            at_s = self._number / self._rate_hz
        await asyncio.sleep(max(0.0, self._beat.started_s + at_s - time.monotonic()))
        frame = self._draw(at_s)
        frame.pts = self._number * 90_000 // self._rate_hz
        frame.time_base = fractions.Fraction(1, 90_000)
        self._number += 1
        return frame

    def _draw(self, at_s: float) -> av.VideoFrame:
        width, height = self._size
        luma, *chroma = (235, 128, 128) if self._beat.is_beat(at_s) else self._colour
        frame = av.VideoFrame(width, height, "yuv420p")
        row = bytearray([luma]) * width
        left = self._number * 3 % (width - 8)
        row[left : left + 8] = b"\xc0" * 8
        rows = (row, bytes([chroma[0]]) * (width // 2), bytes([chroma[1]]) * (width // 2))
        for plane, line in zip(frame.planes, rows, strict=True):
            plane.update(bytes(line).ljust(plane.line_size, b"\x80") * plane.height)
        return frame
