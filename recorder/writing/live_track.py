"""A track while it is recorded, and what the full queue refused of it."""

from __future__ import annotations

from recorder.account.manifest import GapCause
from recorder.journal import compact_json


class LiveTrack:
    """`limit_bytes`: above so many waiting bytes its packets are refused. Times are monotonic ns."""

    __slots__ = ("cause", "limit_bytes", "number", "refused_bytes", "refused_packets", "refused_since_ns")

    def __init__(self, number: int, limit_bytes: int) -> None:
        self.number = number
        self.limit_bytes = limit_bytes
        self.refused_since_ns = 0
        self.refused_packets = 0
        self.refused_bytes = 0
        self.cause = GapCause.OVERLOAD

    def refuse(self, size_bytes: int, at_ns: int, cause: GapCause) -> None:
        """Count a refused packet; the first one gives the cause."""
        if not self.refused_packets:
            self.refused_since_ns, self.cause = at_ns, cause
        self.refused_packets += 1
        self.refused_bytes += size_bytes

    def take_refusal(self, until_ns: int, shift_ns: int) -> bytes:
        """Payload of the GAP record for all that was refused; counts anew. `shift_ns`: monotonic to hearing clock."""
        content = {
            "cause": self.cause.value,
            "from_ns": self.refused_since_ns + shift_ns,
            "until_ns": until_ns + shift_ns,
            "packets": self.refused_packets,
            "bytes": self.refused_bytes,
        }
        self.refused_packets = self.refused_bytes = 0
        return compact_json(content)
