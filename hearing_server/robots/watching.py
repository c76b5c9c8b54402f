"""What a robot sees and hears of one track: decoded frames, the first moment, and the longest silence."""

from __future__ import annotations

import time
from dataclasses import dataclass

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack


@dataclass(slots=True)
class Watched:
    """Counts of one track of one person; they go on when the track is received anew."""

    frames: int = 0
    first_s: float | None = None
    last_s: float | None = None
    longest_gap_s: float = 0.0  # since `forget_gaps`

    def note(self, now_s: float) -> None:
        """One more frame."""
        if self.last_s is not None:
            self.longest_gap_s = max(self.longest_gap_s, now_s - self.last_s)
        if self.first_s is None:
            self.first_s = now_s
        self.last_s = now_s
        self.frames += 1

    def forget_gaps(self) -> None:
        """Begin to look for the longest silence from here on."""
        self.longest_gap_s = 0.0

    @property
    def gap_s(self) -> float:
        """The longest silence, the one that lasts included."""
        lasting = time.monotonic() - self.last_s if self.last_s is not None else 0.0
        return max(self.longest_gap_s, lasting)

    async def follow(self, track: MediaStreamTrack) -> None:
        """Decode until the track ends."""
        try:
            while True:
                await track.recv()
                self.note(time.monotonic())
        except MediaStreamError:
            return
