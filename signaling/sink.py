"""The door through which a recorder hears a room: decrypted packets as they arrived, before any rewrite."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """One incoming RTP stream. Every simulcast layer is a track of its own.

    `layer` is the rid of the layer, None without simulcast; `payload_type` and `red_payload_type` are the numbers
    the publisher chose.
    """

    track_id: str
    identity: str
    source: str
    kind: str  # "audio" | "video"
    codec: str  # "opus" | "VP8" | "H264"
    clock_rate_hz: int
    ssrc: int
    layer: str | None
    payload_type: int
    red_payload_type: int | None


class PacketSink(Protocol):
    """Receives a room. Every method runs on the event loop and must neither block nor raise.

    `at_ns` is `time.monotonic_ns()` at arrival. `packet` is plain RTP with RTX unwrapped; packets of a track that
    the court or the person muted, and of a held room, are not passed.
    """

    def track_started(self, track: TrackInfo, at_ns: int) -> None: ...

    def packet(self, track_id: str, packet: bytes, at_ns: int) -> None: ...

    def sender_report(self, track_id: str, ntp: int, rtp_timestamp: int, at_ns: int) -> None: ...

    def track_event(self, track_id: str, event: str, at_ns: int) -> None: ...

    def track_ended(self, track_id: str, at_ns: int, cause: str) -> None: ...
