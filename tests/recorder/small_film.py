"""A small film for tests of what is done with films: grey pictures under a tone, an index in front."""

from __future__ import annotations

from array import array
from fractions import Fraction
from pathlib import Path

import av

RATE_HZ, SOUND_HZ, FRAME_SAMPLES = 25, 48_000, 1024


def write_small_film(path: Path, seconds: int, *, size: tuple[int, int] = (320, 180), step: int = 0) -> None:
    """`seconds` of H.264 and AAC; every second is `step` brighter than the one before, from 90 on."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as film:
        video = film.add_stream("libx264", rate=RATE_HZ, options={"preset": "ultrafast", "bf": "0"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = film.add_stream("aac", rate=SOUND_HZ, layout="mono")
        for tick in range(seconds * RATE_HZ):
            frame = av.VideoFrame(*size, "yuv420p")
            for plane, value in zip(frame.planes, (90 + tick // RATE_HZ * step, 128, 128), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            frame.pts, frame.time_base = tick, Fraction(1, RATE_HZ)
            film.mux(video.encode(frame))
        for start in range(0, seconds * SOUND_HZ, FRAME_SAMPLES):
            sound = av.AudioFrame("s16", "mono", FRAME_SAMPLES)
            sound.planes[0].update(array("h", [1000, -1000] * (FRAME_SAMPLES // 2)).tobytes())
            sound.sample_rate, sound.pts, sound.time_base = SOUND_HZ, start, Fraction(1, SOUND_HZ)
            film.mux(audio.encode(sound))
        film.mux(video.encode(None))
        film.mux(audio.encode(None))
