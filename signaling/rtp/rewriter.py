"""One viewer's view of one publication: a single continuous RTP stream, whatever happens on the publisher's side.

Layers switch, frames are dropped, tracks pause, packets come late: the viewer's decoder sees contiguous sequence
numbers with gaps only where packets were really lost (so that late and retransmitted ones still fit), timestamps
that never run backwards, and VP8 picture ids and TL0PICIDX without a jump. Rules after JVB `doc/svc.md`.

The stream is made of *spans*: stretches in which every number differs from the publisher's by a constant.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

from signaling.rtp.extensions import abs_send_time_bytes
from signaling.rtp.header import padding_packet
from signaling.rtp.packet import (
    FLAG_EMPTY,
    FLAG_FRAME_START,
    FLAG_KEYFRAME,
    FLAG_SYNC,
    KIND_RED,
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
MIN_STEP_MS: Final = 1.0  # smallest advance of the timestamp at a switch
_HISTORY_PACKETS: Final = 2048  # spans wholly older than this can be forgotten: every cache is smaller
_MAX_SPANS: Final = 256  # temporal thinning makes up to 30 spans per second


@lru_cache(maxsize=64)
def _plain_packer(extension_bytes: int, time_bytes: int) -> Struct:
    return Struct(f"!BBHII{extension_bytes}s{time_bytes}s")


@lru_cache(maxsize=64)
def _vp8_packer(extension_bytes: int, time_bytes: int) -> Struct:
    return Struct(f"!BBHII{extension_bytes}s{time_bytes}s2sHB")


class Span(NamedTuple):
    """One stretch of the outgoing stream; offsets are outgoing minus incoming."""

    first_out: int  # unwrapped outgoing number
    first_in: int  # unwrapped number of the source
    ssrc: int
    sequence_offset: int
    timestamp_offset: int
    picture_offset: int
    tl0_offset: int


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
        "_dropped_picture",
        "_extension",
        "_first_octet",
        "_highest_in",
        "_last_ms",
        "_last_timestamp_in",
        "_max_temporal",
        "_pack",
        "_pack_vp8",
        "_payload_type",
        "_picture_offset",
        "_rtx_sequence",
        "_sequence_offset",
        "_settings",
        "_shift",
        "_source",
        "_spans",
        "_started",
        "_target",
        "_temporal_limit",
        "_timestamp_offset",
        "_tl0_offset",
        "last_picture",
        "last_source",
        "last_tl0",
        "octets_sent",
        "packets_sent",
        "retransmitted",
    )

    def __init__(self, settings: RewriterSettings) -> None:
        raise NotImplementedError

    @property
    def source(self) -> int:
        """SSRC of the layer being forwarded, NO_SOURCE when none is (paused, or waiting for the first key frame)."""
        raise NotImplementedError

    @property
    def target(self) -> int:
        """SSRC of the layer that is waited for, NO_SOURCE when none is. The owner asks it for a key frame."""
        raise NotImplementedError

    def select(self, ssrc: int, *, timestamp_shift: int | None = None) -> None:
        """Forward this layer from its next key frame on (audio: at once); until then the present one goes on.

        `timestamp_shift` from `clock.timestamp_shift(clock of last_source, clock of ssrc)` when both have sent
        reports; without it the switch is timed by arrival.
        """
        raise NotImplementedError

    def pause(self) -> None:
        """Forward nothing until the next `select` (mute, hold, congestion). The numbering goes on afterwards."""
        raise NotImplementedError

    def limit_temporal(self, highest: int) -> None:
        """Forward VP8 temporal layers 0..highest. Down at the next frame, up at the next sync point."""
        raise NotImplementedError

    def forward(self, packet: MediaPacket, now_ms: float) -> bytes | None:
        """The packet as this viewer must get it, or None when nothing is sent (not selected, dropped, duplicate).

        Feed it every packet of `source` and of `target`. Late packets of the selected layer find their old place.
        """
        raise NotImplementedError

    def locate(self, sequence: int) -> tuple[int, int] | None:
        """(SSRC of the layer, its unwrapped number) behind an outgoing 16-bit number the viewer asks for.

        None when it was never sent or is too old. Look it up in that layer's cache, then call `retransmit`.
        """
        raise NotImplementedError

    def retransmit(self, sequence: int, packet: MediaPacket, now_ms: float) -> bytes | None:
        """The repair for outgoing 16-bit number `sequence`: RTX (RFC 4588) when negotiated, else a repeat."""
        raise NotImplementedError

    def timestamp_of(self, rtp_timestamp: int) -> int | None:
        """A timestamp of the forwarded layer on the viewer's timeline (for sender reports); None when paused."""
        raise NotImplementedError
