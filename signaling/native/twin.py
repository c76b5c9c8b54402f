"""The C arithmetic behind the faces of its Python twins, so that the same tests run on both.

Not for the hot path: every call here turns a `MediaPacket` into a C struct or back. The forwarding thread calls the
same functions without Python in between.
"""

from __future__ import annotations

from typing import Any, Final

from signaling.native.build import Native
from signaling.native.numbering import loss_rules, native_settings
from signaling.rtp import rtcp
from signaling.rtp.cache import REPLAY_PACKETS
from signaling.rtp.clock import SenderClock
from signaling.rtp.outgoing import RewriterSettings
from signaling.rtp.packet import LAYOUT_VP8_FULL, Codec, MediaPacket
from signaling.rtp.rewriter import NO_SOURCE

CODECS: Final = {Codec.OPUS: "CODEC_OPUS", Codec.VP8: "CODEC_VP8", Codec.H264: "CODEC_H264"}
_MASK32: Final = 0xFFFFFFFF


def to_native(native: Native, packet: MediaPacket) -> tuple[Any, tuple[Any, ...]]:
    """(struct media_packet *, what must stay alive as long as it is used)."""
    ffi = native.ffi
    kept = (ffi.from_buffer(packet.payload), ffi.from_buffer(packet.tail))
    made = ffi.new(
        "struct media_packet *",
        {
            "sequence": packet.sequence,
            "arrival_ms": packet.arrival_ms,
            "payload": ffi.cast("uint8_t *", kept[0]),
            "payload_bytes": len(packet.payload),
            "ssrc": packet.ssrc,
            "timestamp": packet.timestamp,
            "picture_id": packet.picture_id,
            "tl0_index": packet.tl0_index,
            "audio_level": packet.audio_level,
            "prefix": packet.prefix,
            "marker": packet.marker,
            "kind": packet.kind,
            "layout": packet.layout,
            "temporal_id": packet.temporal_id,
            "flags": packet.flags,
            "send_time": list(packet.send_time),
        },
    )
    if packet.layout == LAYOUT_VP8_FULL:
        # As the parser makes it where the tail is the payload's: the cache moves both together.
        is_inside = packet.payload[-len(packet.tail) :] == packet.tail
        start = len(packet.payload) - len(packet.tail)
        made.tail = made.payload + start if is_inside else ffi.cast("uint8_t *", kept[1])
        made.tail_bytes = len(packet.tail)
    return made, kept


def from_native(native: Native, packet: Any) -> MediaPacket:
    """A copy of a struct media_packet."""
    ffi = native.ffi
    return MediaPacket(
        packet.ssrc,
        packet.sequence,
        packet.timestamp,
        packet.marker,
        packet.kind,
        packet.layout,
        packet.temporal_id,
        packet.picture_id,
        packet.tl0_index,
        bytes(ffi.buffer(packet.payload, packet.payload_bytes)) if packet.payload_bytes else b"",
        packet.prefix,
        bytes(ffi.buffer(packet.tail, packet.tail_bytes)) if packet.tail_bytes else b"",
        bytes(packet.send_time),
        packet.flags,
        packet.arrival_ms,
        packet.audio_level,
    )


class NativeRewriter:
    """`rtp.rewriter.Rewriter` in C. ValueError for settings that the library refuses."""

    def __init__(self, settings: RewriterSettings, native: Native) -> None:
        self._native = native
        self._lib = native.lib
        self._ssrc = settings.ssrc
        made = self._lib.rewriter_new(native_settings(native, settings))
        if made == native.ffi.NULL:
            raise ValueError("these settings make no rewriter")
        self._rewriter: Any = native.ffi.gc(made, self._lib.rewriter_free)
        self._room: int = self._lib.MAX_WRITTEN_BYTES
        self._out: Any = native.ffi.new("uint8_t[]", self._room)
        self._state: Any = native.ffi.new("struct rewriter_state *")

    def _read(self) -> Any:
        self._lib.rewriter_read(self._rewriter, self._state)
        return self._state

    def _written(self, length: int) -> bytes | None:
        if length < 0:
            raise OverflowError("MAX_WRITTEN_BYTES does not hold the packet")
        return bytes(self._native.ffi.buffer(self._out, length)) if length else None

    @property
    def source(self) -> int:
        """SSRC of the layer being forwarded, NO_SOURCE when none is."""
        return int(self._read().source)

    @property
    def target(self) -> int:
        """SSRC of the layer that is waited for, NO_SOURCE when none is."""
        return int(self._read().target)

    @property
    def newest(self) -> int:
        """The outgoing number (16 bits) given out last."""
        return int(self._lib.rewriter_newest(self._rewriter))

    @property
    def last_source(self) -> int:
        """SSRC of the layer that was forwarded last."""
        return int(self._read().last_source)

    @property
    def packets_sent(self) -> int:
        """Packets written, repairs not counted."""
        return int(self._read().packets_sent)

    @property
    def octets_sent(self) -> int:
        """Payload bytes, as sender reports count them."""
        return int(self._read().octets_sent)

    @property
    def retransmitted(self) -> int:
        """Repairs written."""
        return int(self._read().retransmitted)

    @property
    def redundancy(self) -> int | None:
        """The payload type under which RED is sent; None when it is taken off."""
        return int(self._read().redundancy) or None

    @property
    def wide_at(self) -> int:
        """Where the transport-wide number lies in every packet; 0 when there is none."""
        return int(self._lib.rewriter_wide_offset(self._rewriter))

    def select(self, ssrc: int, *, timestamp_shift: int | None = None) -> None:
        """As Rewriter.select."""
        self._lib.rewriter_select(self._rewriter, ssrc, timestamp_shift is not None, timestamp_shift or 0)

    def pause(self) -> None:
        """As Rewriter.pause."""
        self._lib.rewriter_pause(self._rewriter)

    def forget_sources(self) -> None:
        """As Rewriter.forget_sources."""
        self._lib.rewriter_forget_sources(self._rewriter)

    def take_redundancy(self, payload_type: int | None) -> None:
        """As Rewriter.take_redundancy."""
        self._lib.rewriter_take_redundancy(self._rewriter, payload_type or 0)

    def limit_temporal(self, highest: int) -> None:
        """As Rewriter.limit_temporal."""
        self._lib.rewriter_limit_temporal(self._rewriter, highest)

    def forward(self, packet: MediaPacket) -> bytes | None:
        """As Rewriter.forward."""
        made, kept = to_native(self._native, packet)
        sent = self._written(self._lib.rewriter_forward(self._rewriter, made, self._out, self._room))
        del kept
        return sent

    def locate(self, sequence: int) -> tuple[int, int] | None:
        """As Rewriter.locate."""
        ssrc, number = self._native.ffi.new("uint32_t *"), self._native.ffi.new("int64_t *")
        if not self._lib.rewriter_locate(self._rewriter, sequence & 0xFFFF, ssrc, number):
            return None
        return ssrc[0], number[0]

    def retransmit(self, sequence: int, packet: MediaPacket, now_ms: float) -> bytes | None:
        """As Rewriter.retransmit."""
        made, kept = to_native(self._native, packet)
        length = self._lib.rewriter_retransmit(
            self._rewriter, sequence & 0xFFFF, made, now_ms, self._out, self._room
        )
        del kept
        return self._written(length)

    def timestamp_of(self, rtp_timestamp: int) -> int | None:
        """As Rewriter.timestamp_of."""
        state = self._read()
        if state.source == NO_SOURCE:
            return None
        return rtp_timestamp + int(state.timestamp_offset) & _MASK32

    def sender_report(self, clock: SenderClock, now_ms: float) -> tuple[int, bytes] | None:
        """As Rewriter.sender_report."""
        present = clock.now(now_ms)
        own = self.timestamp_of(present[1]) if present else None
        if present is None or own is None:
            return None
        report = rtcp.build_sender_report(
            self._ssrc,
            ntp=present[0],
            rtp_timestamp=own,
            packets=self.packets_sent,
            octets=self.octets_sent,
        )
        return present[0], report


class NativeCache:
    """`rtp.cache.PacketCache` in C: what comes out is equal to what went in, not identical."""

    def __init__(self, capacity: int, native: Native, *, borrowed: Any = None) -> None:
        self._native = native
        self._lib = native.lib
        self._owner: Any = borrowed  # the stream whose cache this is: it must not go first
        if borrowed is not None:
            self._cache: Any = borrowed.cache
            return
        made = self._lib.cache_new(capacity)
        if made == native.ffi.NULL:
            raise ValueError("capacity must be a power of two")
        self._cache = native.ffi.gc(made, self._lib.cache_free)

    @property
    def newest(self) -> int:
        """The highest number that was put; -1 before the first."""
        return int(self._lib.cache_newest(self._cache))

    def put(self, packet: MediaPacket) -> bool:
        """As PacketCache.put."""
        made, kept = to_native(self._native, packet)
        is_new = bool(self._lib.cache_put(self._cache, made))
        del kept
        return is_new

    def get(self, sequence: int, now_ms: float | None = None) -> MediaPacket | None:
        """As PacketCache.get."""
        found = self._lib.cache_get(self._cache, sequence, -1.0 if now_ms is None else now_ms)
        return None if found == self._native.ffi.NULL else from_native(self._native, found)

    def since_keyframe(self, max_packets: int = REPLAY_PACKETS) -> list[MediaPacket]:
        """As PacketCache.since_keyframe."""
        found = self._native.ffi.new("struct media_packet *[]", max(max_packets, 1))
        count = self._lib.cache_since_keyframe(self._cache, max_packets, found, max_packets)
        return [from_native(self._native, found[at]) for at in range(count)]

    def clear(self) -> None:
        """As PacketCache.clear."""
        self._lib.cache_clear(self._cache)


class NativeStream:
    """`rtp.stream.IncomingStream` in C."""

    def __init__(
        self,
        native: Native,
        *,
        ssrc: int,
        codec: Codec,
        clock_rate_hz: int,
        payload_type: int,
        red_payload_type: int | None = None,
        audio_level_id: int = 0,
    ) -> None:
        self._native = native
        lib = native.lib
        red = -1 if red_payload_type is None else red_payload_type
        rules = native.ffi.new("struct loss_rules *", loss_rules(codec))
        made = lib.stream_new(
            ssrc, getattr(lib, CODECS[codec]), clock_rate_hz, payload_type, red, audio_level_id, rules
        )
        if made == native.ffi.NULL:
            raise MemoryError
        self._stream: Any = native.ffi.gc(made, lib.stream_free)
        self._out: Any = native.ffi.new("struct media_packet *")
        self.cache = NativeCache(0, native, borrowed=self._stream)

    @property
    def refused(self) -> int:
        """Malformed, unknown payload type, duplicate, too late."""
        return int(self._stream.refused)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height from the last VP8 key frame; (0, 0) unknown."""
        return int(self._stream.width_px), int(self._stream.height_px)

    @property
    def meters(self) -> Any:
        """A struct stream_meters."""
        return self._stream.meters

    @property
    def losses(self) -> Any:
        """A struct loss_detector."""
        return self._stream.losses

    def due(self, now_ms: float) -> list[int]:
        """As LossDetector.due."""
        asked = self._native.ffi.new("uint16_t[]", self._native.lib.MAX_PENDING)
        losses = self._native.ffi.addressof(self._stream, "losses")
        return list(asked[0 : self._native.lib.losses_due(losses, now_ms, asked)])

    def interval(self) -> tuple[float, int]:
        """As ReceptionMeter.interval of the newest number."""
        ratio, lost = self._native.ffi.new("double *"), self._native.ffi.new("int64_t *")
        self._native.lib.meters_interval(self._native.ffi.addressof(self._stream, "meters"), ratio, lost)
        return float(ratio[0]), int(lost[0])

    def forget_losses(self) -> None:
        """As LossDetector.forget."""
        self._native.lib.losses_forget(self._native.ffi.addressof(self._stream, "losses"))

    def accept(self, packet: bytes, now_ms: float) -> MediaPacket | None:
        """As IncomingStream.accept."""
        plain = self._native.ffi.from_buffer("uint8_t[]", packet)
        if not self._native.lib.stream_accept(self._stream, plain, len(packet), now_ms, self._out):
            return None
        return from_native(self._native, self._out)


class NativeFeedback:
    """`rtp.arrivals.ArrivalLog` and `FeedbackWriter` in C."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._feedback: Any = native.ffi.gc(native.lib.feedback_new(), native.lib.feedback_free)
        self._out: Any = native.ffi.new("uint8_t[]", native.lib.FEEDBACK_BYTES)

    def write(self, arrivals: list[tuple[int, int]], sender_ssrc: int, ssrc: int) -> list[bytes]:
        """As FeedbackWriter.write."""
        lib, messages = self._native.lib, []
        for number, now_ns in arrivals:
            lib.feedback_arrived(self._feedback, number, now_ns)
        if lib.feedback_begin(self._feedback):
            while size := lib.feedback_write(self._feedback, sender_ssrc, ssrc, self._out):
                messages.append(bytes(self._native.ffi.buffer(self._out, size)))
        return messages
