"""How a VP8 stream divides its bits over temporal layers: a sample, for thinning a viewer's line finely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from signaling.rtp.header import parse_header
from signaling.rtp.vp8 import parse_descriptor

LEAST_SAMPLES: Final = 24
MOST_SAMPLES: Final = 192  # about ten seconds: then the older half counts half
_WHOLE: Final = (1.0,)


class TemporalMeter:
    """Looks at one packet of eight, chosen by a hash: frames come in patterns, and so would every eighth packet."""

    __slots__ = ("_bytes", "_samples")

    def __init__(self) -> None:
        self._bytes = [0.0, 0.0, 0.0, 0.0]
        self._samples = 0

    @staticmethod
    def is_sampled(sequence: int) -> bool:
        return not sequence * 40503 >> 6 & 7

    def packet(self, packet: bytes) -> None:
        """One sampled plain RTP packet of a VP8 stream."""
        header = parse_header(packet)
        if header is None:
            return
        payload = packet[header.payload_start : header.payload_end]
        found = parse_descriptor(payload)
        if found is None:
            return
        self._bytes[found.temporal_id] += len(payload)
        self._samples += 1
        if self._samples >= MOST_SAMPLES:
            self._samples //= 2
            self._bytes = [size / 2 for size in self._bytes]

    @property
    def shares(self) -> tuple[float, ...]:
        """What temporal layers 0..n carry together of all, the last being 1. (1.0,): no layers, or not known yet."""
        return shares_of(self._bytes, self._samples)


def shares_of(sizes: Sequence[float], samples: int) -> tuple[float, ...]:
    """The shares that so many sampled packets tell, with these bytes of each temporal layer."""
    total = sum(sizes)
    if samples < LEAST_SAMPLES or total <= 0 or sizes[0] == total:
        return _WHOLE
    summed, shares = 0.0, []
    for size in sizes:
        summed += size
        shares.append(summed / total)
        if summed >= total:
            break
    return (*shares[:-1], 1.0)
