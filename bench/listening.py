"""What a synthetic phone makes of the packets it gets: voices played in time, pictures that freeze."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bench.decoding import Stillness, TemporalDecoder, read_part
from recorder.codecs.frame_formats import red_blocks
from signaling.rtp.nack import VOICE, LossDetector, Patience
from signaling.rtp.sequence import nearest_extended

# A hole that stands this long makes a browser ask for a key frame, and again at this pace.
STUCK_S: Final = 0.5


def voice_number(frame: bytes) -> int:
    """The number our speakers write into each 20 ms frame, -1 for anything else."""
    return int.from_bytes(frame[1:5], "big") if len(frame) >= 5 and frame[0] == 0x78 else -1


# A page that only receives knows no round trip: it asks again after this (its default until told better).
BROWSER_RTT_MS: Final = 100.0
BROWSER: Final = Patience(10, None)  # libwebrtc gives a packet up after ten requests


@dataclass(slots=True)
class Ear:
    """One voice. `heard` is told each frame's number once, with its arrival."""

    ssrc: int
    red_payload_type: int
    heard: Callable[[int, float], None]
    losses: LossDetector = field(default_factory=lambda: LossDetector(rtt_ms=BROWSER_RTT_MS, patience=VOICE))
    highest: int = -1
    packets: int = 0
    first: int = -1
    _reported: tuple[int, int] = (0, 0)

    def loss_ratio(self) -> float:
        """Of what should have come since the last call."""
        expected, came = self.highest + 1 - self.first, self.packets
        due, had = expected - self._reported[0], came - self._reported[1]
        self._reported = expected, came
        return min(1.0, max(0.0, 1 - had / due)) if due > 0 else 0.0

    def packet(self, sequence: int, payload_type: int, payload: bytes, now_s: float) -> None:
        """One plain packet."""
        place = nearest_extended(sequence, self.highest) if self.highest >= 0 else 0x10000 + sequence
        if self.first < 0:
            self.first = place
        self.highest = max(self.highest, place)
        self.packets += 1
        self.losses.received(place, now_s * 1000)
        blocks = red_blocks(payload) if payload_type == self.red_payload_type else [(0, payload)]
        for back, frame in blocks or []:
            number = voice_number(frame)
            if number >= 0:
                self.heard(number, now_s)
                if back:
                    self.losses.had(place - back // 960)


@dataclass(slots=True)
class Eye:
    """One picture stream, shown as a browser shows it (`bench.decoding`), and how long it stood still."""

    ssrc: int
    losses: LossDetector = field(
        default_factory=lambda: LossDetector(rtt_ms=BROWSER_RTT_MS, patience=BROWSER)
    )
    pictures: int = 0
    shown: Stillness = field(default_factory=Stillness)
    highest: int = -1
    packets: int = 0
    first: int = -1
    covered_s: float = 0.0
    _covered_since_s: float | None = None
    _decoder: TemporalDecoder = field(default_factory=TemporalDecoder)
    _waits_since_s: float | None = None
    _asked_s: float = 0.0
    _reported: tuple[int, int] = (0, 0)

    def loss_ratio(self) -> float:
        """Of what should have come since the last call."""
        expected, came = self.highest + 1 - self.first, self.packets
        due, had = expected - self._reported[0], came - self._reported[1]
        self._reported = expected, came
        return min(1.0, max(0.0, 1 - had / due)) if due > 0 else 0.0

    def covered(self, is_covered: bool, now_s: float) -> None:
        """A plate instead of the picture: what stands still behind it is not frozen, and not seen either."""
        if is_covered == (self._covered_since_s is not None):
            return
        if is_covered:
            self._covered_since_s = now_s
        else:
            self.covered_s, self._covered_since_s = self.covered_until(now_s), None
        self.shown.cover(is_covered, now_s)

    def covered_until(self, now_s: float) -> float:
        """Seconds behind the plate so far."""
        since_s = self._covered_since_s
        return self.covered_s + (now_s - since_s if since_s is not None else 0.0)

    def packet(self, sequence: int, marker: bool, payload: bytes, now_s: float) -> None:
        """One plain packet; `payload` with its VP8 descriptor (six octets here)."""
        place = nearest_extended(sequence, self.highest) if self.highest >= 0 else 0x10000 + sequence
        if self.first < 0:
            self.first = place
        self.highest = max(self.highest, place)
        self.packets += 1
        self.losses.received(place, now_s * 1000)
        part = read_part(payload, marker)
        if part.is_key:
            self.losses.keyframe(place)
        decoded = self._decoder.packet(place, part)
        if decoded:
            self.pictures += decoded
            self.shown.show(now_s)
            self.losses.keyframe(self._decoder.decoded_to)  # what lies before is of no use any more
            self._waits_since_s = None
        elif self._decoder.is_waiting:
            self._waits_since_s = now_s if self._waits_since_s is None else self._waits_since_s

    def wants_key(self, now_s: float) -> bool:
        """Whether to ask now."""
        since = self._waits_since_s
        is_stuck = since is not None and now_s - since > STUCK_S
        if not (is_stuck or self.losses.needs_keyframe) or now_s - self._asked_s < STUCK_S:
            return False
        self.losses.needs_keyframe = False
        self._asked_s = now_s
        return True
