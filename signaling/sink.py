"""The door through which a recorder hears a room: decrypted packets as they arrived, before any rewrite."""

from collections.abc import Callable
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

    A sink may have one method more, `take_packets(track_id, [(at_ns, packet), ...])`: then some come at once, in
    order, at most a tenth of a second late; what is noted of the track afterwards came later (see `taker_of`).
    """

    def track_started(self, track: TrackInfo, at_ns: int) -> None: ...

    def packet(self, track_id: str, packet: bytes, at_ns: int) -> None: ...

    def sender_report(self, track_id: str, ntp: int, rtp_timestamp: int, at_ns: int) -> None: ...

    def track_event(self, track_id: str, event: str, at_ns: int) -> None: ...

    def track_ended(self, track_id: str, at_ns: int, cause: str) -> None: ...


TakePackets = Callable[[str, list[tuple[int, bytes]]], None]


def taker_of(sink: PacketSink) -> TakePackets:
    """How a sink takes some packets of one track at once: `take_packets`, else one by one."""
    whole: TakePackets | None = getattr(sink, "take_packets", None)
    if whole is not None:
        return whole

    def one_by_one(track_id: str, packets: list[tuple[int, bytes]]) -> None:
        for at_ns, packet in packets:
            sink.packet(track_id, packet, at_ns)

    return one_by_one
