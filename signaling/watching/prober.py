"""Sends repeats of recent packets for a moment, to see whether a viewer's line carries a better layer."""

from collections.abc import Sequence
from typing import Final

from signaling.forwarder import Leg
from signaling.publishing.publication import Publication
from signaling.rtp.path_estimate import PathEstimate
from signaling.rtp.send_history import WideHistory
from signaling.watching.slot import Slot

LENGTH_MS: Final = 150.0  # seven steps of the room's clock: long enough for a rate, short for a queue
# A probe at 200 kbit/s would be over after five packets, and fewer than eight prove nothing: ten of a usual size.
LEAST_BYTES: Final = 9000.0
LONGEST_MS: Final = 400.0  # of a probe on the thinnest line
HEAD_BYTES: Final = 44  # RTP, our extension block, SRTP tag
REACH: Final = (
    200  # numbers looked at behind the newest one the viewer reported: two seconds of most pictures
)
MOST_PER_TICK: Final = 64  # a clock that stood still must not make a burst


class Prober:
    """One viewer's probe, if one is running. `tick` is called with the room's clock (every 20 ms)."""

    def __init__(self, path: PathEstimate) -> None:
        self._path = path
        self._until_ms = 0.0
        self._last_ms = 0.0
        self._extra_bps = 0.0
        self._owed_bytes = 0.0
        self._turn = 0
        self.is_running = False

    def tick(
        self, needed_bps: float | None, slots: Sequence[Slot], history: WideHistory, now_ms: float
    ) -> None:
        """`needed_bps`: what the next better picture takes of the line; None: nothing to wish for."""
        if self.is_running:
            self._go_on(slots, history, now_ms)
        elif needed_bps is not None:
            self._start(needed_bps, slots, history, now_ms)

    def _start(self, needed_bps: float, slots: Sequence[Slot], history: WideHistory, now_ms: float) -> None:
        if needed_bps <= self._path.limit_bps or _source(slots) is None:
            return
        target_bps = self._path.wants_probe(needed_bps, history, now_ms)
        if target_bps is None:
            return
        self._extra_bps = max(0.0, target_bps - (self._path.acked_bps or 0.0))
        length_ms = max(LENGTH_MS, min(LONGEST_MS, LEAST_BYTES * 8000 / target_bps))
        self._until_ms, self._last_ms, self._owed_bytes = now_ms + length_ms, now_ms, 0.0
        self.is_running = True

    def _go_on(self, slots: Sequence[Slot], history: WideHistory, now_ms: float) -> None:
        self._owed_bytes += self._extra_bps / 8000 * (now_ms - self._last_ms)
        self._last_ms = now_ms
        found = _source(slots)
        if found is not None:
            self._repeat(*found, now_ms)
        if now_ms >= self._until_ms:
            self.is_running = False
            self._path.probe_sent(history, now_ms)

    def _repeat(self, slot: Slot, leg: Leg, publication: Publication, now_ms: float) -> None:
        missed = 0
        for _ in range(MOST_PER_TICK):
            if self._owed_bytes <= 0 or missed > REACH or slot.highest is None:
                return
            sequence = (slot.highest - self._turn) & 0xFFFF
            self._turn = (self._turn + 1) % REACH
            size = leg.kept(sequence, publication.fanout_of, now_ms)
            if not size:
                missed += 1
                self._turn = 0 if missed == 1 else self._turn  # beyond what is kept: from the newest again
                continue
            leg.repair(sequence, publication.fanout_of, now_ms, is_probe=True)
            self._owed_bytes -= size + HEAD_BYTES


def _source(slots: Sequence[Slot]) -> tuple[Slot, Leg, Publication] | None:
    """The picture with the most bits: its packets are the largest and still in the cache."""
    best: tuple[Slot, Leg, Publication] | None = None
    for slot in slots:
        leg, publication = slot.leg, slot.publication
        if leg is None or publication is None or slot.highest is None or slot.rtx_ssrc is None:
            continue
        if not leg.is_live or not publication.is_flowing:
            continue
        if best is None or slot.rate.bits_per_second > best[0].rate.bits_per_second:
            best = slot, leg, publication
    return best
