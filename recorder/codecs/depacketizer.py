"""RTP → encoded frames: Opus (with RED), VP8, H.264. One depacketizer per track.

Damaged pictures are worse than missing ones in a court record: after a hole nothing leaves until the next
key frame. Timestamps leave unwrapped; turning them into hearing time is the clock's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from recorder.codecs.frame_formats import (
    H264Assembler,
    Vp8Assembler,
    h264_is_key,
    h264_size_px,
    opus_duration_samples,
    red_blocks,
    vp8_is_key,
    vp8_size_px,
)
from recorder.codecs.rtp_order import OrderedPacket, Reorderer, Unwrapper, parse_rtp

# A picture larger than this is an attack or a broken sender; 720p key frames stay below 300 kB.
MAX_FRAME_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One decodable unit. `rtp_timestamp` is unwrapped; `at_ns` = arrival of its last packet.

    `duration_rtp` is known for sound (samples at 48 kHz) and 0 for pictures; `size_px` is (width, height) on
    key frames where the bytes tell it.
    """

    rtp_timestamp: int
    data: bytes
    is_key: bool
    at_ns: int
    duration_rtp: int = 0
    size_px: tuple[int, int] | None = None
    after_hole: bool = False


@dataclass(slots=True)
class LossCount:
    """What did not make it into frames, for the film's report."""

    malformed_packets: int = 0
    missing_packets: int = 0
    duplicate_packets: int = 0
    late_packets: int = 0
    dropped_frames: int = 0
    restored_packets: int = 0


class Depacketizer(Protocol):
    """Packets of one track in arrival order in, frames in sending order out."""

    loss: LossCount

    def push(self, raw: bytes, at_ns: int) -> Iterator[EncodedFrame]:
        """Take one RTP packet; never raises on bad bytes, counts them instead."""
        ...

    def flush(self) -> Iterator[EncodedFrame]:
        """The track has ended: give up every hole and yield what is left."""
        ...


class PictureAssembler(Protocol):
    """Joins payloads of one picture codec (RFC 7741, RFC 6184)."""

    def add(self, payload: bytes, *, begins: bool) -> bool:
        """Take one payload; False when no whole frame can come of it. `begins`: first of its timestamp."""
        ...

    def take(self) -> bytes:
        """The frame joined so far; the assembler is empty afterwards."""
        ...


class _Ordered:
    """What both kinds share: parsing, order, counting."""

    def __init__(self) -> None:
        self._order = Reorderer()
        self._timestamps = Unwrapper(32)
        self.loss = LossCount()

    def _ordered(self, raw: bytes, at_ns: int) -> Iterator[OrderedPacket]:
        packet = parse_rtp(raw, at_ns)
        if packet is None:
            self.loss.malformed_packets += 1
            return
        yield from self._order.push(packet)
        self._count()

    def _count(self) -> None:
        self.loss.missing_packets = self._order.missing
        self.loss.duplicate_packets = self._order.duplicates
        self.loss.late_packets = self._order.late


class OpusDepacketizer(_Ordered):
    """Opus (RFC 7587): one packet, one frame. RED (RFC 2198) puts lost frames back from their repeats."""

    def __init__(self, *, red_payload_type: int | None = None) -> None:
        super().__init__()
        self._red_payload_type = red_payload_type
        self._last_timestamp: int | None = None

    def push(self, raw: bytes, at_ns: int) -> Iterator[EncodedFrame]:
        """See `Depacketizer.push`."""
        for ordered in self._ordered(raw, at_ns):
            yield from self._frames(ordered)

    def flush(self) -> Iterator[EncodedFrame]:
        """See `Depacketizer.flush`."""
        for ordered in self._order.flush():
            yield from self._frames(ordered)
        self._count()

    def _frames(self, ordered: OrderedPacket) -> Iterator[EncodedFrame]:
        packet = ordered.packet
        timestamp = self._timestamps.unwrap(packet.timestamp)
        blocks = [(0, packet.payload)]
        if packet.payload_type == self._red_payload_type:
            parsed = red_blocks(packet.payload)
            if parsed is None:
                self.loss.malformed_packets += 1
                return
            blocks = parsed
        last_index = len(blocks) - 1
        for index, (back_samples, data) in enumerate(blocks):
            at = timestamp - back_samples
            is_repeat = self._last_timestamp is not None and at <= self._last_timestamp
            if not data or is_repeat or (self._last_timestamp is None and index != last_index):
                continue
            if index != last_index:
                self.loss.restored_packets += 1
            yield self._frame(at, data, packet.at_ns, after_hole=ordered.after_hole)

    def _frame(self, timestamp: int, data: bytes, at_ns: int, *, after_hole: bool) -> EncodedFrame:
        self._last_timestamp = timestamp
        return EncodedFrame(
            rtp_timestamp=timestamp,
            data=data,
            is_key=True,
            at_ns=at_ns,
            duration_rtp=opus_duration_samples(data),
            after_hole=after_hole,
        )


class PictureDepacketizer(_Ordered):
    """VP8 or H.264: a frame is everything with one timestamp, ended by the marker bit."""

    def __init__(self, codec: str) -> None:
        super().__init__()
        self._is_vp8 = codec.upper() == "VP8"
        self._assembler: PictureAssembler = Vp8Assembler() if self._is_vp8 else H264Assembler()
        self._timestamp: int | None = None
        self._bytes = 0
        self._is_broken = False
        self._waits_for_key = True
        self._lost_before = False

    def push(self, raw: bytes, at_ns: int) -> Iterator[EncodedFrame]:
        """See `Depacketizer.push`."""
        for ordered in self._ordered(raw, at_ns):
            yield from self._take(ordered)

    def flush(self) -> Iterator[EncodedFrame]:
        """See `Depacketizer.flush`."""
        for ordered in self._order.flush():
            yield from self._take(ordered)
        self._count()
        if self._timestamp is not None:
            self._drop()

    def _take(self, ordered: OrderedPacket) -> Iterator[EncodedFrame]:
        packet = ordered.packet
        if ordered.after_hole:
            self._lost_before = self._waits_for_key = True
            self._is_broken = self._timestamp is not None
        if not packet.payload:
            return  # padding that only probes for bandwidth: it has a number and nothing else
        begins = packet.timestamp != self._timestamp
        if begins:
            if self._timestamp is not None:
                # The marker never came though nothing is missing: no sender of ours does that.
                self._drop()
            self._timestamp, self._bytes, self._is_broken = packet.timestamp, 0, False
        self._bytes += len(packet.payload)
        if self._bytes > MAX_FRAME_BYTES or not self._assembler.add(packet.payload, begins=begins):
            self._is_broken = True
        if packet.marker:
            yield from self._finish(packet.at_ns)

    def _finish(self, at_ns: int) -> Iterator[EncodedFrame]:
        assert self._timestamp is not None
        timestamp = self._timestamps.unwrap(self._timestamp)
        if self._is_broken:
            self._drop()
            return
        data = self._assembler.take()
        self._timestamp = None
        is_key = vp8_is_key(data) if self._is_vp8 else h264_is_key(data)
        if not data or (self._waits_for_key and not is_key):
            self.loss.dropped_frames += 1
            return
        size_px = None
        if is_key:
            size_px = vp8_size_px(data) if self._is_vp8 else h264_size_px(data)
        after_hole, self._lost_before, self._waits_for_key = self._lost_before, False, False
        yield EncodedFrame(
            rtp_timestamp=timestamp,
            data=data,
            is_key=is_key,
            at_ns=at_ns,
            size_px=size_px,
            after_hole=after_hole,
        )

    def _drop(self) -> None:
        self._assembler.take()
        self._timestamp = None
        self._is_broken = False
        self._waits_for_key = True
        self.loss.dropped_frames += 1


def depacketizer_for(codec: str, *, red_payload_type: int | None = None) -> Depacketizer:
    """The depacketizer for a track's codec ("opus", "VP8", "H264"). Raises ValueError for any other."""
    if codec.lower() == "opus":
        return OpusDepacketizer(red_payload_type=red_payload_type)
    if codec.upper() in {"VP8", "H264"}:
        return PictureDepacketizer(codec)
    raise ValueError(f"no depacketizer for codec {codec!r}")
