"""Arithmetic on numbers that wrap: 16-bit RTP sequence numbers and 32-bit RTP timestamps (RFC 3550)."""

from __future__ import annotations

from typing import Final

# A forward step this large is not loss but a sender that restarted its counter (RFC 3550 A.1 uses 3000 = one
# minute of audio; at video rates 1000 packets are already more than 2 s, beyond any history or NACK).
MAX_FORWARD_STEP: Final = 1000
# Packets later than this are of no use to anybody: they left every history long ago.
MAX_LATENESS: Final = 1000


def difference32(newer: int, older: int) -> int:
    """Signed distance from `older` to `newer` in a 32-bit space."""
    return ((newer - older + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def nearest_extended(value: int, reference: int) -> int:
    """The number congruent to `value` modulo 2^16 that lies nearest to the unwrapped `reference`."""
    return reference + ((value - reference + 0x8000) & 0xFFFF) - 0x8000


class SequenceUnwrapper:
    """Turns 16-bit sequence numbers of one stream into ever-growing integers.

    Small disorder is resolved to the nearest number. After a jump (a sender that restarted) two consecutive
    packets are needed before the new place is believed (RFC 3550 A.1 probation); the unwrapped numbers still grow,
    so that nothing downstream ever sees time running backwards.
    """

    __slots__ = ("_suspect", "highest", "restarts")

    def __init__(self) -> None:
        self.highest: int = -1  # unwrapped number of the newest packet; -1 before the first
        self.restarts: int = 0  # how often the sender jumped and was believed
        self._suspect: int = -1  # the 16-bit number that would confirm a jump

    def unwrap(self, sequence: int) -> int:
        """Unwrapped number of a packet, or -1 when it must be dropped (too late, or an unconfirmed jump)."""
        highest = self.highest
        step = (sequence - highest) & 0xFFFF
        if step == 1 and highest >= 0:
            self.highest = highest + 1
            return highest + 1
        return self._unwrap_disorder(sequence, highest, step)

    def _unwrap_disorder(self, sequence: int, highest: int, step: int) -> int:
        if highest < 0:
            # One whole turn above zero, so that packets sent before the first one seen stay positive.
            self.highest = 0x10000 + sequence
            return self.highest
        if step <= MAX_FORWARD_STEP:
            self.highest = highest + step
            self._suspect = -1
            return highest + step
        if step >= 0x10000 - MAX_LATENESS:
            return highest + step - 0x10000
        if sequence != self._suspect:
            self._suspect = (sequence + 1) & 0xFFFF
            return -1
        self._suspect = -1
        self.restarts += 1
        self.highest = highest + step
        return self.highest
