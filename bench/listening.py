"""What a synthetic phone makes of the packets it gets: voices played in time, pictures that freeze."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from recorder.frame_formats import red_blocks
from signaling.rtp.nack import VOICE, LossDetector
from signaling.rtp.sequence import nearest_extended

# libwebrtc counts a freeze when a picture comes 150 ms later than the usual 33 ms.
FREEZE_S: Final = 0.033 + 0.15
# A hole that stands this long makes a browser ask for a key frame, and again at this pace.
STUCK_S: Final = 0.5
_HELD: Final = 2048  # packets waiting behind a hole; beyond it the oldest go


def voice_number(frame: bytes) -> int:
    """The number our speakers write into each 20 ms frame, -1 for anything else."""
    return int.from_bytes(frame[1:5], "big") if len(frame) >= 5 and frame[0] == 0x78 else -1


# A page that only receives knows no round trip: it asks again after this (its default until told better).
BROWSER_RTT_MS: Final = 100.0


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
    """One picture stream: decodes in order, as a decoder must, and notes how long it stood still."""

    ssrc: int
    losses: LossDetector = field(default_factory=lambda: LossDetector(rtt_ms=BROWSER_RTT_MS))
    pictures: int = 0
    frozen_s: float = 0.0
    shown_s: float | None = None
    highest: int = -1
    packets: int = 0
    first: int = -1
    _at: int = -1  # the next packet to decode
    _held: dict[int, tuple[bool, bool]] = field(
        default_factory=dict
    )  # number -> (starts a key frame, ends a frame)
    _waits_since_s: float | None = None
    _asked_s: float = 0.0
    _reported: tuple[int, int] = (0, 0)
    covered_s: float = 0.0
    _covered_since_s: float | None = None

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
            self.frozen_s, self._covered_since_s = self.frozen_until(now_s), now_s
        else:
            self.covered_s, self._covered_since_s = self.covered_until(now_s), None
            self.shown_s = now_s

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
        if place < self._at:
            return
        is_key = len(payload) > 6 and payload[0] & 0x10 != 0 and payload[6] & 1 == 0
        self._held[place] = (is_key, marker)
        if is_key:
            self.losses.keyframe(place)
            if self._at not in self._held:
                self._at = place  # the hole before it matters no more
                self._held = {each: what for each, what in self._held.items() if each >= place}
        while len(self._held) > _HELD:
            del self._held[min(self._held)]
        self._decode(now_s)

    def _decode(self, now_s: float) -> None:
        while (found := self._held.pop(self._at, None)) is not None:
            self._at += 1
            if found[1]:
                self._show(now_s)
        if self._held:
            self._waits_since_s = now_s if self._waits_since_s is None else self._waits_since_s
        else:
            self._waits_since_s = None

    def _show(self, now_s: float) -> None:
        self.pictures += 1
        self._waits_since_s = None
        is_late = self.shown_s is not None and now_s - self.shown_s > FREEZE_S
        if self.shown_s is not None and is_late and self._covered_since_s is None:
            self.frozen_s += now_s - self.shown_s
        self.shown_s = now_s

    def wants_key(self, now_s: float) -> bool:
        """Whether to ask now."""
        since = self._waits_since_s
        is_stuck = since is not None and now_s - since > STUCK_S
        if not (is_stuck or self.losses.needs_keyframe) or now_s - self._asked_s < STUCK_S:
            return False
        self.losses.needs_keyframe = False
        self._asked_s = now_s
        return True

    def frozen_until(self, now_s: float) -> float:
        """Frozen seconds so far, the freeze that lasts included."""
        if self.shown_s is None or self._covered_since_s is not None:
            return self.frozen_s
        lasting = now_s - self.shown_s
        return self.frozen_s + (lasting if lasting > FREEZE_S else 0.0)
