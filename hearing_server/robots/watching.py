"""What a robot sees and hears of one track: decoded frames, the first moment, and the longest silence."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from aiortc import RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

KEPT: Final = 8192  # moments: 160 s of a voice
# A hole that the break itself made counts from a quarter of a second on (three pictures at 15 a second are jitter), one
# that comes later from half a second: a machine full of robots makes smaller ones by itself.
HOLE_S, LATER_HOLE_S = 0.25, 0.5


@dataclass(slots=True)
class Watched:
    """Counts of one track of one person; they go on when the track is received anew."""

    frames: int = 0
    first_s: float | None = None
    last_s: float | None = None
    longest_gap_s: float = 0.0  # since `forget_gaps`
    times_s: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))

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

    def count_packets(self, receiver: Any) -> None:
        """Note the moment of each packet. What flows is told by packets, not by frames: aiortc asks once for a lost one
        and may wait for it through hundreds of pictures, which no browser does.
        """
        # Its class's, not the one of whoever had its section before.
        handle = partial(RTCRtpReceiver._handle_rtp_packet, receiver)

        async def noted(packet: Any, arrival_time_ms: int) -> None:
            self.times_s.append(time.monotonic())
            await handle(packet, arrival_time_ms)

        receiver._handle_rtp_packet = noted


def longest_gap_s(times_s: Iterable[float], since_s: float, until_s: float) -> float:
    """The longest time without a packet between these two moments; one that began before counts from `since_s`."""
    longest, before = 0.0, since_s
    for at_s in (each for each in times_s if since_s < each <= until_s):
        longest, before = max(longest, at_s - before), at_s
    return max(longest, until_s - before)


def back_after_s(times_s: Iterable[float], since_s: float, until_s: float) -> float | None:
    """How long after `since_s` the last hole ended; 0 when there was none, None when it lasts until the end.

    `since_s` is when the way was good again: the first packet after it ends the break's own hole.
    """
    back, before = 0.0, None
    for at_s in (each for each in times_s if each <= until_s):
        least_s = HOLE_S if before is None or before <= since_s else LATER_HOLE_S
        if at_s > since_s and (before is None or at_s - max(before, since_s) > least_s):
            back = at_s - since_s
        before = at_s
    if before is None or until_s - before > LATER_HOLE_S:
        return None
    return back
