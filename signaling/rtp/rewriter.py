"""One viewer's view of one publication: a single continuous RTP stream, whatever happens on the publisher's side.

Layers switch, frames are dropped, tracks pause, packets come late: the viewer's decoder sees contiguous sequence
numbers with gaps only where packets were really lost (so that late and retransmitted ones still fit), timestamps
that never run backwards, and VP8 picture ids and TL0PICIDX without a jump. Rules after JVB `doc/svc.md`.
"""

from __future__ import annotations

from typing import Final

from signaling.rtp import rtcp
from signaling.rtp.clock import SenderClock
from signaling.rtp.outgoing import (
    PacketComposer,
    RewriterSettings,
    packer_shape,
    plain_packer,
    renumbered,
    vp8_packer,
)
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
from signaling.rtp.sequence import MAX_FORWARD_STEP, difference32
from signaling.rtp.spans import Span, SpanHistory

__all__ = ["ALL_TEMPORAL_LAYERS", "NO_SOURCE", "Rewriter", "RewriterSettings"]

_MASK32: Final = 0xFFFFFFFF
NO_SOURCE: Final = -1
ALL_TEMPORAL_LAYERS: Final = 3  # VP8 has two bits for it
_LOWERING: Final = -1  # as highest temporal layer: the next frame start brings the real limit
# LiveKit accepts 50 ms behind and 25 ms ahead; sender reports are exact, so only a broken one is this far off.
MAX_SHIFT_ERROR_MS: Final = 2000.0
MIN_STEP_MS: Final = 1.0  # smallest advance of the timestamp at a switch
# Four layers at a time, and a browser that changes an SSRC now and then; the layer left longest ago makes room.
_LAYERS_REMEMBERED: Final = 16


class Rewriter:
    """The state of one subscription. `forward` is the hot path: one call per packet and leg, bytes out."""

    __slots__ = (
        "_composer",
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
        "_wide",
        "last_source",
        "octets_sent",
        "packets_sent",
        "pauses",
        "retransmitted",
    )

    def __init__(self, settings: RewriterSettings) -> None:
        self._settings = settings
        self._ssrc = settings.ssrc
        self._composer = PacketComposer(settings)
        self._payload_types = self._composer.payload_types
        self._extension = settings.extension
        self._first_octet = 0x90 if settings.extension else 0x80
        shape = packer_shape(settings)
        self._wide = settings.wide_element
        self._pack = plain_packer(*shape).pack
        self._pack_vp8 = vp8_packer(*shape).pack
        self._ticks_per_ms = settings.clock_rate_hz / 1000
        self._source = self._target = self.last_source = NO_SOURCE
        self._shift: int | None = None
        self._spans = SpanHistory()
        self._highest_in = settings.first_sequence - 1  # newest number of `source`, forwarded or skipped
        self._left_at: dict[int, int] = {}  # SSRC -> newest number when another layer took over
        self._last: MediaPacket | None = None  # newest packet with media, forwarded or skipped
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._picture_offset = 0
        self._tl0_offset = 0
        self._temporal_limit = self._max_temporal = ALL_TEMPORAL_LAYERS
        self._lowering_from = ALL_TEMPORAL_LAYERS
        self.pauses = 0  # what was written before one and has not left yet must not go
        self.packets_sent = 0
        self.octets_sent = 0  # payload bytes, as sender reports count them
        self.retransmitted = 0

    @property
    def source(self) -> int:
        """SSRC of the layer being forwarded, NO_SOURCE when none is (paused, or waiting for the first key frame)."""
        return self._source

    @property
    def newest(self) -> int:
        """The outgoing number (16 bits) given out last."""
        return self._next_out() - 1 & 0xFFFF

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
        self.pauses += 1

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

    def take_redundancy(self, payload_type: int | None) -> None:
        """Send RED under this number (the viewer's answer keeps it), or take redundancy off before sending (None)."""
        self._composer.payload_types = self._payload_types = (self._settings.payload_type, payload_type or 0)

    @property
    def redundancy(self) -> int | None:
        """The payload type under which RED is sent; None when it is taken off."""
        return self._payload_types[1] or None

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
        (ssrc, sequence, timestamp, marker, kind, layout, temporal, picture, tl0,
         payload, prefix, tail, time, _, _, _) = packet  # fmt: skip
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
        sequence = sequence + self._sequence_offset & 0xFFFF
        timestamp = timestamp + self._timestamp_offset & 0xFFFFFFFF
        if layout == LAYOUT_VP8_FULL:
            return self._pack_vp8(
                self._first_octet, marker | payload_type, sequence, timestamp, self._ssrc, self._extension, time,
                self._wide, prefix, picture + self._picture_offset & 0x7FFF | 0x8000, tl0 + self._tl0_offset & 0xFF,
            ) + tail  # fmt: skip
        if layout != LAYOUT_PLAIN:
            payload = renumbered(packet, self._picture_offset, self._tl0_offset)
        return self._pack(
            self._first_octet, marker | payload_type, sequence, timestamp, self._ssrc, self._extension, time,
            self._wide,
        ) + payload  # fmt: skip

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
            if flags & FLAG_EMPTY:
                return None  # padding is no place to go on from: the next media packet is as far ahead
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
        self._leave(self.last_source)
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

    def _leave(self, ssrc: int) -> None:
        left = self._left_at
        left.pop(ssrc, None)  # so that the order stays that of leaving
        left[ssrc] = self._highest_in
        if len(left) > _LAYERS_REMEMBERED:
            del left[next(iter(left))]

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
        self._spans.push(
            Span(
                first_in + self._sequence_offset,
                first_in,
                self._source,
                self._sequence_offset,
                self._timestamp_offset,
                self._picture_offset,
                self._tl0_offset,
                self._lowering_from if self._max_temporal == _LOWERING else self._max_temporal,
            )
        )

    def _forward_late(self, packet: MediaPacket) -> bytes | None:
        """A packet behind the newest one: it takes the place that was kept for it, if any."""
        place = self._spans.place_of(packet.ssrc, packet.sequence, self._next_out())
        if place is None:
            return None
        span, out = place
        self.packets_sent += 1
        self.octets_sent += len(packet.payload)
        return self._composer.compose(packet, out, span)

    def _without_redundancy(self, packet: MediaPacket) -> bytes | None:
        block = primary_block(packet.payload)
        if block is None or not block[1]:
            self._skip(packet)
            return None
        return self.forward(packet._replace(kind=KIND_MEDIA, payload=block[1]))

    def locate(self, sequence: int) -> tuple[int, int] | None:
        """(SSRC of the layer, its unwrapped number) behind an outgoing 16-bit number the viewer asks for.

        None when it was never sent or is too old. Look it up in that layer's cache, then call `retransmit`.
        """
        origin = self._spans.origin_of(sequence, self._next_out())
        if origin is None:
            return None
        span, out = origin
        return span.ssrc, out - span.sequence_offset

    def retransmit(self, sequence: int, packet: MediaPacket, now_ms: float) -> bytes | None:
        """The repair for outgoing 16-bit number `sequence`: RTX (RFC 4588) when negotiated, else a repeat.

        None when `packet` is not the one behind that number.
        """
        origin = self._spans.origin_of(sequence, self._next_out())
        if origin is None:
            return None
        span, out = origin
        if packet.ssrc != span.ssrc or packet.sequence != out - span.sequence_offset:
            return None
        self.retransmitted += 1
        return self._composer.repair(packet, out, span, now_ms)

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
