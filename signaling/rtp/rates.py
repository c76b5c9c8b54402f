"""How much passes, how much may pass; the layers a viewer can be offered."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

START_BPS: Final = (
    2_000_000  # stock REMB needs 40 s to climb there; a hearing lasts too long to look bad first
)
FLOOR_BPS: Final = 64_000  # below this not even the lowest layer is watchable; audio is not counted here
CEILING_BPS: Final = 20_000_000
LOW_LOSS: Final = 0.02
HIGH_LOSS: Final = 0.10
GROWTH: Final = 1.05
USED_SHARE: Final = 0.75  # Galene: grow only when most of the estimate is really used
UPGRADE_MARGIN: Final = 1.2  # a better layer must fit with air, or picture size would flap
HEIGHT_TOLERANCE: Final = 1.25  # a layer a little taller than asked is better than one half as tall


class RateMeter:
    """Bits and packets per second from counters that somebody else keeps: nothing to do per packet.

    Call `sample` on a timer (every 250-1000 ms) with the running totals; the rates cover the last `window_ms`.
    """

    __slots__ = ("_samples", "_window_ms", "bits_per_second", "packets_per_second")

    def __init__(self, window_ms: float = 1000.0) -> None:
        self._window_ms = window_ms
        self._samples: deque[tuple[float, int, int]] = deque(maxlen=64)
        self.bits_per_second = 0.0
        self.packets_per_second = 0.0

    def sample(self, total_bytes: int, total_packets: int, now_ms: float) -> float:
        """Take the totals; returns the bitrate over the window. 0 until two samples are there."""
        samples = self._samples
        samples.append((now_ms, total_bytes, total_packets))
        while len(samples) > 2 and samples[1][0] <= now_ms - self._window_ms:
            samples.popleft()
        since_ms, bytes_then, packets_then = samples[0]
        elapsed_ms = now_ms - since_ms
        if elapsed_ms > 0:
            self.bits_per_second = (total_bytes - bytes_then) * 8000 / elapsed_ms
            self.packets_per_second = (total_packets - packets_then) * 1000 / elapsed_ms
        return self.bits_per_second


class LossEstimate:
    """What a path carries, from its loss reports alone (Galene's rule), capped by REMB where the peer sends one."""

    __slots__ = ("_ceiling_bps", "_floor_bps", "_remb_bps", "estimate_bps", "loss_ratio")

    def __init__(
        self, *, start_bps: float = START_BPS, floor_bps: float = FLOOR_BPS, ceiling_bps: float = CEILING_BPS
    ) -> None:
        self.estimate_bps = float(start_bps)
        self.loss_ratio = 0.0  # of the last report
        self._floor_bps = floor_bps
        self._ceiling_bps = ceiling_bps
        self._remb_bps: float | None = None

    def report(self, loss_ratio: float, sent_bps: float) -> float:
        """A receiver report (loss 0..1 since the last one, what we really sent). Returns the new `limit_bps`."""
        self.loss_ratio = loss_ratio
        if loss_ratio < LOW_LOSS:
            if sent_bps >= USED_SHARE * self.estimate_bps:
                self.estimate_bps = min(self.estimate_bps * GROWTH, self._ceiling_bps)
        elif loss_ratio > HIGH_LOSS:
            self.estimate_bps = max(self.estimate_bps * (1 - loss_ratio / 2), self._floor_bps)
        return self.limit_bps

    def remb(self, bitrate_bps: float) -> None:
        """The peer's own estimate."""
        self._remb_bps = bitrate_bps

    @property
    def limit_bps(self) -> float:
        """The smaller of both estimates, never below the floor."""
        if self._remb_bps is None:
            return self.estimate_bps
        return max(self._floor_bps, min(self.estimate_bps, self._remb_bps))


@dataclass(frozen=True, slots=True)
class LayerOffer:
    """One simulcast layer that is arriving now."""

    key: int  # the SSRC of the layer
    bitrate_bps: float
    height_px: int  # 0 when not yet known
    # What part of the bitrate temporal layers 0..n carry together, the last being 1: (0.4, 0.6, 1.0) for three.
    shares: tuple[float, ...] = (1.0,)
