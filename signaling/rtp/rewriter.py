"""One viewer's view of one publication: a single continuous RTP stream, whatever happens on the publisher's side.

Layers switch, frames are dropped, tracks pause, packets come late: the viewer's decoder sees contiguous sequence
numbers with gaps only where packets were really lost (so that late and retransmitted ones still fit), timestamps
that never run backwards, and VP8 picture ids and TL0PICIDX without a jump. Rules after JVB `doc/svc.md`.

The stream is made of *spans*: stretches in which every number differs from the publisher's by a constant.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

from signaling.rtp import rtcp
from signaling.rtp.clock import SenderClock
from signaling.rtp.extensions import abs_send_time_bytes
from signaling.rtp.header import padding_packet
from signaling.rtp.packet import (
    FLAG_EMPTY,
    FLAG_FRAME_START,
    FLAG_KEYFRAME,
    FLAG_LATE,
    FLAG_SYNC,
    KIND_MEDIA,
    LAYOUT_PLAIN,
    LAYOUT_VP8_FULL,
    MediaPacket,
)
from signaling.rtp.red import primary_block
from signaling.rtp.sequence import MAX_FORWARD_STEP, difference32, nearest_extended
from signaling.rtp.vp8 import parse_descriptor, rewrite_descriptor

_MASK32: Final = 0xFFFFFFFF
NO_SOURCE: Final = -1
ALL_TEMPORAL_LAYERS: Final = 3  # VP8 has two bits for it
# LiveKit accepts 50 ms behind and 25 ms ahead; sender reports are exact, so only a broken one is this far off.
MAX_SHIFT_ERROR_MS: Final = 2000.0
_LOWERING: Final = -1  # as highest temporal layer: the next frame start brings the real limit
MIN_STEP_MS: Final = 1.0  # smallest advance of the timestamp at a switch
_MAX_SPANS: Final = 256  # thinning makes up to 30 spans per second; half of these outlive every cache (2 s)


@lru_cache(maxsize=64)
def _plain_packer(extension_bytes: int, time_bytes: int) -> Struct:
    return Struct(f"!BBHII{extension_bytes}s{time_bytes}s")


@lru_cache(maxsize=64)
def _vp8_packer(extension_bytes: int, time_bytes: int) -> Struct:
    return Struct(f"!BBHII{extension_bytes}s{time_bytes}sHHB")


class Span(NamedTuple):
    """One stretch of the outgoing stream; offsets are outgoing minus incoming."""

    first_out: int  # unwrapped outgoing number
    first_in: int  # unwrapped number of the source
    ssrc: int
    sequence_offset: int
    timestamp_offset: int
    picture_offset: int
    tl0_offset: int
    max_temporal: int  # what was forwarded in it


class RewriterSettings(NamedTuple):
    """What is fixed for one subscription. All numbers as negotiated with the viewer."""

    ssrc: int
    payload_type: int
    clock_rate_hz: int
    needs_keyframe: bool  # video: start and switch on key frames only
    red_payload_type: int | None = None  # None: redundancy is taken off before sending
    rtx_ssrc: int | None = None  # None: retransmissions are plain repeats
    rtx_payload_type: int | None = None
    extension: bytes = b""  # from extensions.build_block
    has_send_time: bool = False  # the block ends in the head of abs-send-time
    first_sequence: int = 0  # random, from the caller
    first_timestamp: int = 0  # random, from the caller


class Rewriter:
    """The state of one subscription. `forward` is the hot path: one call per packet and leg, bytes out."""

    __slots__ = (
        "_extension",
        "_first_octet",
        "_highest_in",
        "_last",
        "_left_at",
        "_lowering_from",
        "_max_temporal",
        "_pack",
        "_pack_vp8",
        "_payload_types",
        "_picture_offset",
        "_rtx_sequence",
        "_sequence_offset",
        "_settings",
        "_shift",
        "_source",
        "_spans",
        "_ssrc",
        "_target",
        "_temporal_limit",
        "_ticks_per_ms",
        "_timestamp_offset",
        "_tl0_offset",
        "last_source",
        "octets_sent",
        "packets_sent",
        "retransmitted",
    )

    def __init__(self, settings: RewriterSettings) -> None:
        self._settings = settings
        self._ssrc = settings.ssrc
        self._payload_types = (settings.payload_type, settings.red_payload_type or 0)
        self._extension = settings.extension
        self._first_octet = 0x90 if settings.extension else 0x80
        shape = (len(settings.extension), 3 if settings.has_send_time else 0)
        self._pack = _plain_packer(*shape).pack
        self._pack_vp8 = _vp8_packer(*shape).pack
        self._ticks_per_ms = settings.clock_rate_hz / 1000
        self._source = self._target = self.last_source = NO_SOURCE
        self._shift: int | None = None
        self._spans: list[Span] = []
        self._highest_in = settings.first_sequence - 1  # newest number of `source`, forwarded or skipped
        self._left_at: dict[int, int] = {}  # SSRC -> newest number when another layer took over
        self._last: MediaPacket | None = None  # newest packet with media, forwarded or skipped
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._picture_offset = 0
        self._tl0_offset = 0
        self._temporal_limit = self._max_temporal = ALL_TEMPORAL_LAYERS
        self._lowering_from = ALL_TEMPORAL_LAYERS
        self._rtx_sequence = settings.first_sequence
        self.packets_sent = 0
        self.octets_sent = 0  # payload bytes, as sender reports count them
        self.retransmitted = 0

    @property
    def source(self) -> int:
        """SSRC of the layer being forwarded, NO_SOURCE when none is (paused, or waiting for the first key frame)."""
        return self._source

    @property
    def target(self) -> int:
        """SSRC of the layer that is waited for, NO_SOURCE when none is. The owner asks it for a key frame."""
        return self._target

    def select(self, ssrc: int, *, timestamp_shift: int | None = None) -> None:
        """Forward this layer from its next key frame on (audio: at once); until then the present one goes on.

        `timestamp_shift` from `clock.timestamp_shift(clock of last_source, clock of ssrc)` when both have sent
        reports; without it the switch is timed by arrival. Call it again when the reports came later.
        """
        if ssrc == self._source:
            self._target = NO_SOURCE
            return
        self._target = ssrc
        self._shift = 0 if timestamp_shift is None and ssrc == self.last_source else timestamp_shift

    def pause(self) -> None:
        """Forward nothing until the next `select` (mute, hold, congestion). The numbering goes on afterwards."""
        self._source = self._target = NO_SOURCE

    def forget_sources(self) -> None:
        """The publisher came back on a fresh transport: old numbers of its SSRCs mean nothing any more.

        Like `pause`, and `locate` finds nothing from before.
        """
        self.pause()
        self.last_source = NO_SOURCE
        next_out = self._next_out()
        self._spans.clear()
        self._left_at.clear()
        self._sequence_offset, self._highest_in = 0, next_out - 1

    def limit_temporal(self, highest: int) -> None:
        """Forward VP8 temporal layers 0..highest. Down at the next frame, up at the next sync point."""
        self._temporal_limit = highest
        if 0 <= self._max_temporal > highest:
            self._lowering_from = self._max_temporal
            self._max_temporal = _LOWERING

    def forward(self, packet: MediaPacket) -> bytes | None:
        """The packet as this viewer must get it, or None when nothing is sent (not selected, dropped, duplicate).

        Feed it every packet of `source` and of `target`, once. Late packets of `source` find their old place.
        """
        (
            ssrc,
            sequence,
            timestamp,
            marker,
            kind,
            layout,
            temporal,
            picture,
            tl0,
            payload,
            prefix,
            tail,
            time,
            *_,
        ) = packet
        step = sequence - self._highest_in
        if ssrc != self._source or temporal > self._max_temporal or not 0 < step <= MAX_FORWARD_STEP:
            return self._forward_rare(packet, step)
        payload_type = self._payload_types[kind]
        if not payload_type:
            return self._without_redundancy(packet)
        self._highest_in = sequence
        self._last = packet
        self.packets_sent += 1
        self.octets_sent += len(payload)
        if layout == LAYOUT_VP8_FULL:
            return (
                self._pack_vp8(
                    self._first_octet,
                    marker | payload_type,
                    sequence + self._sequence_offset & 0xFFFF,
                    timestamp + self._timestamp_offset & 0xFFFFFFFF,
                    self._ssrc,
                    self._extension,
                    time,
                    prefix,
                    picture + self._picture_offset & 0x7FFF | 0x8000,
                    tl0 + self._tl0_offset & 0xFF,
                )
                + tail
            )
        if layout != LAYOUT_PLAIN:
            payload = _rewritten(packet, self._picture_offset, self._tl0_offset)
        return (
            self._pack(
                self._first_octet,
                marker | payload_type,
                sequence + self._sequence_offset & 0xFFFF,
                timestamp + self._timestamp_offset & 0xFFFFFFFF,
                self._ssrc,
                self._extension,
                time,
            )
            + payload
        )

    def _forward_rare(self, packet: MediaPacket, step: int) -> bytes | None:
        """Everything but the next packet of the selected layer."""
        flags = packet.flags
        if packet.ssrc == self._target:
            if flags & FLAG_EMPTY or (self._settings.needs_keyframe and not flags & FLAG_KEYFRAME):
                return None
            if flags & FLAG_LATE and packet.sequence <= self._reached(packet.ssrc):
                return None  # a repaired key frame from before the pause is no place to go on from
            self._begin(packet, self._shift)
            return self.forward(packet)
        if packet.ssrc != self._source:
            return None
        if step <= 0:
            return self._forward_late(packet)
        if step > MAX_FORWARD_STEP:
            self._begin(packet, 0)
            return self.forward(packet)
        if flags & FLAG_EMPTY:
            self._skip(packet)
            return None
        if self._max_temporal == _LOWERING:
            if not flags & FLAG_FRAME_START:  # a frame begun is a frame finished
                return self._unfinished(packet)
            self._set_temporal(self._temporal_limit, packet.sequence)
            return self.forward(packet)
        if packet.temporal_id <= self._temporal_limit and flags & FLAG_SYNC and flags & FLAG_FRAME_START:
            self._set_temporal(packet.temporal_id, packet.sequence)
            return self.forward(packet)
        self._skip(packet)
        return None

    def _reached(self, ssrc: int) -> int:
        """How far this layer was forwarded when it last was."""
        return self._highest_in if ssrc == self.last_source else self._left_at.get(ssrc, -1)

    def _unfinished(self, packet: MediaPacket) -> bytes | None:
        if packet.temporal_id > self._lowering_from:
            self._skip(packet)
            return None
        self._max_temporal = self._lowering_from
        sent = self.forward(packet)
        self._max_temporal = _LOWERING
        return sent

    def _begin(self, packet: MediaPacket, shift: int | None) -> None:
        """Start a span at this packet, right behind the last one sent."""
        first_out = self._next_out()
        self._left_at[self.last_source] = self._highest_in
        last = self._last
        if last is None:
            self._timestamp_offset = self._settings.first_timestamp - packet.timestamp
        else:
            if packet.picture_id >= 0 and last.picture_id >= 0:
                self._picture_offset += last.picture_id + 1 - packet.picture_id
            if packet.tl0_index >= 0 and last.tl0_index >= 0:
                self._tl0_offset += last.tl0_index + 1 - packet.tl0_index
            self._timestamp_offset = self._continued_timestamp(packet, last, shift) - packet.timestamp
        self._sequence_offset = first_out - packet.sequence
        self._highest_in = packet.sequence - 1
        self._source = self.last_source = packet.ssrc
        self._target = NO_SOURCE
        self._max_temporal = max(self._temporal_limit, packet.temporal_id)
        self._push_span(packet.sequence)

    def _next_out(self) -> int:
        return self._highest_in + self._sequence_offset + 1

    def _continued_timestamp(self, packet: MediaPacket, last: MediaPacket, shift: int | None) -> int:
        """Where `packet` belongs on the viewer's timeline, after `last`."""
        before = last.timestamp + self._timestamp_offset
        elapsed = round((packet.arrival_ms - last.arrival_ms) * self._ticks_per_ms)
        place = before + elapsed
        if shift is not None:
            exact = packet.timestamp + shift + self._timestamp_offset
            error = difference32(exact, place)
            if abs(error) <= MAX_SHIFT_ERROR_MS * self._ticks_per_ms:
                place += error
        return max(place, before + round(MIN_STEP_MS * self._ticks_per_ms))

    def _skip(self, packet: MediaPacket) -> None:
        """Leave a packet out for good: the sequence closes over it."""
        if not packet.flags & FLAG_EMPTY:
            if packet.picture_id >= 0 and (self._last is None or packet.picture_id != self._last.picture_id):
                self._picture_offset -= 1
            self._last = packet
        self._highest_in = packet.sequence
        self._sequence_offset -= 1
        self._push_span(packet.sequence + 1)

    def _set_temporal(self, highest: int, first_in: int) -> None:
        self._max_temporal = highest
        self._push_span(first_in)

    def _push_span(self, first_in: int) -> None:
        spans = self._spans
        span = Span(
            first_in + self._sequence_offset,
            first_in,
            self._source,
            self._sequence_offset,
            self._timestamp_offset,
            self._picture_offset,
            self._tl0_offset,
            self._lowering_from if self._max_temporal == _LOWERING else self._max_temporal,
        )
        if spans and spans[-1].first_out == span.first_out:
            spans[-1] = span  # nothing was sent in it
            return
        spans.append(span)
        if len(spans) > _MAX_SPANS:
            del spans[: _MAX_SPANS // 2]

    def _forward_late(self, packet: MediaPacket) -> bytes | None:
        """A packet behind the newest one: it takes the place that was kept for it, if any."""
        limit = self._next_out()
        for span in reversed(self._spans):
            if span.ssrc != packet.ssrc:
                return None
            if packet.sequence >= span.first_in:
                out = packet.sequence + span.sequence_offset
                if out >= limit:
                    return None  # no place was kept: the sequence has closed over it
                self.packets_sent += 1
                self.octets_sent += len(packet.payload)
                return self._composed(packet, out, span)
            limit = span.first_out
        return None

    def _composed(self, packet: MediaPacket, out: int, span: Span) -> bytes:
        settings = self._settings
        timestamp = packet.timestamp + span.timestamp_offset & _MASK32
        extension = self._extension + packet.send_time if settings.has_send_time else self._extension
        if packet.temporal_id > span.max_temporal:
            # Its frame is left out, yet its place was kept because nobody knew: the place must be filled.
            return padding_packet(
                payload_type=settings.payload_type,
                sequence=out,
                timestamp=timestamp,
                ssrc=settings.ssrc,
                extension=extension,
            )
        kind_type, payload = self._payload(packet, span)
        return (
            self._pack(
                self._first_octet,
                packet.marker | kind_type,
                out & 0xFFFF,
                timestamp,
                self._ssrc,
                self._extension,
                packet.send_time,
            )
            + payload
        )

    def _payload(self, packet: MediaPacket, span: Span) -> tuple[int, bytes]:
        """(payload type, payload) for this viewer."""
        payload_type = self._payload_types[packet.kind]
        if not payload_type:
            block = primary_block(packet.payload)
            return self._settings.payload_type, b"" if block is None else block[1]
        if packet.layout == LAYOUT_PLAIN:
            return payload_type, packet.payload
        return payload_type, _rewritten(packet, span.picture_offset, span.tl0_offset)

    def _without_redundancy(self, packet: MediaPacket) -> bytes | None:
        block = primary_block(packet.payload)
        if block is None or not block[1]:
            self._skip(packet)
            return None
        return self.forward(packet._replace(kind=KIND_MEDIA, payload=block[1]))

    def _span_of(self, sequence: int) -> tuple[Span, int] | None:
        """The span and the unwrapped outgoing number of a 16-bit outgoing number."""
        spans = self._spans
        if not spans:
            return None
        newest = self._highest_in + self._sequence_offset
        out = nearest_extended(sequence, newest)
        if out > newest:
            return None
        for span in reversed(spans):
            if out >= span.first_out:
                return span, out
        return None

    def locate(self, sequence: int) -> tuple[int, int] | None:
        """(SSRC of the layer, its unwrapped number) behind an outgoing 16-bit number the viewer asks for.

        None when it was never sent or is too old. Look it up in that layer's cache, then call `retransmit`.
        """
        found = self._span_of(sequence)
        if found is None:
            return None
        span, out = found
        return span.ssrc, out - span.sequence_offset

    def retransmit(self, sequence: int, packet: MediaPacket, now_ms: float) -> bytes | None:
        """The repair for outgoing 16-bit number `sequence`: RTX (RFC 4588) when negotiated, else a repeat.

        None when `packet` is not the one behind that number.
        """
        found = self._span_of(sequence)
        if found is None:
            return None
        span, out = found
        if packet.ssrc != span.ssrc or packet.sequence != out - span.sequence_offset:
            return None
        self.retransmitted += 1
        settings = self._settings
        packet = packet._replace(send_time=abs_send_time_bytes(now_ms))
        if (
            settings.rtx_ssrc is None
            or settings.rtx_payload_type is None
            or packet.temporal_id > span.max_temporal
        ):
            return self._composed(packet, out, span)
        self._rtx_sequence = self._rtx_sequence + 1 & 0xFFFF
        _, payload = self._payload(packet, span)
        return (
            self._pack(
                self._first_octet,
                packet.marker | settings.rtx_payload_type,
                self._rtx_sequence,
                packet.timestamp + span.timestamp_offset & _MASK32,
                settings.rtx_ssrc,
                self._extension,
                packet.send_time,
            )
            + (out & 0xFFFF).to_bytes(2, "big")
            + payload
        )

    def timestamp_of(self, rtp_timestamp: int) -> int | None:
        """A timestamp of the forwarded layer on the viewer's timeline (for sender reports); None when paused."""
        if self._source == NO_SOURCE:
            return None
        return rtp_timestamp + self._timestamp_offset & _MASK32

    def sender_report(self, clock: SenderClock, now_ms: float) -> tuple[int, bytes] | None:
        """(NTP time, SR) for this viewer, from the clock of the forwarded layer; None when paused or not yet known.

        The NTP time stays the publisher's: one clock for its sound and picture keeps lips in step. Give it to
        `clock.RoundTrip.sent`, so that the viewer's answer can be timed.
        """
        present = clock.now(now_ms)
        if present is None:
            return None
        ntp, rtp_timestamp = present
        own = self.timestamp_of(rtp_timestamp)
        if own is None:
            return None
        report = rtcp.build_sender_report(
            self._ssrc, ntp=ntp, rtp_timestamp=own, packets=self.packets_sent, octets=self.octets_sent
        )
        return ntp, report


def _rewritten(packet: MediaPacket, picture_offset: int, tl0_offset: int) -> bytes:
    """The VP8 payload with this viewer's numbers, for any shape of descriptor."""
    descriptor = parse_descriptor(packet.payload)
    if descriptor is None:
        return packet.payload
    return rewrite_descriptor(
        packet.payload, descriptor, packet.picture_id + picture_offset, packet.tl0_index + tl0_offset
    )
