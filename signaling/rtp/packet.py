"""What one incoming packet is to everybody behind the receiver: a flat tuple, made once, read by every leg."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

KIND_MEDIA: Final = 0  # the publication's main payload type
KIND_RED: Final = 1  # Opus with redundancy (RFC 2198)

LAYOUT_PLAIN: Final = 0  # nothing to rewrite behind the RTP header
LAYOUT_VP8_FULL: Final = (
    1  # VP8 with 15-bit picture id and TL0PICIDX right behind the flags: what browsers send
)
LAYOUT_VP8_OTHER: Final = 2  # any other descriptor that carries one of the two


PADDING_RANK: Final = 7  # above every temporal layer, so that one comparison keeps padding off the fast path


class Codec(StrEnum):
    """The codecs that are forwarded."""

    OPUS = "opus"
    VP8 = "VP8"
    H264 = "H264"


class MediaPacket(NamedTuple):
    """One received RTP packet, parsed once. Extensions, CSRCs and padding are gone from `payload`.

    Order of the fields is the order in which `rewriter.Rewriter` unpacks them.
    """

    ssrc: int  # the publisher's, of this layer
    sequence: int  # unwrapped: grows for ever
    timestamp: int  # 32 bits
    marker: int  # 0x80 or 0
    kind: int  # KIND_...
    layout: int  # LAYOUT_...
    temporal_id: int  # VP8 0..3; PADDING_RANK for packets without media
    picture_id: int  # -1 when absent
    tl0_index: int  # -1 when absent
    payload: bytes
    prefix: int  # LAYOUT_VP8_FULL: the first two octets of the payload as a number
    tail: bytes  # LAYOUT_VP8_FULL: the payload behind the five octets that are rewritten; else b""
    send_time: bytes  # three bytes of abs-send-time for the moment of arrival
    flags: int  # FLAG_... bits
    arrival_ms: float
    audio_level: int  # RFC 6464, 0..127 in -dBov; -1 when absent


FLAG_KEYFRAME: Final = 1  # the first packet of a key frame (for audio: never set)
FLAG_FRAME_START: Final = 2  # the first packet of a frame, as far as the codec tells
FLAG_SYNC: Final = 4  # VP8 Y bit: a viewer may climb to this temporal layer here
FLAG_EMPTY: Final = 8  # padding only: carries no media, takes no place in the forwarded sequence
FLAG_LATE: Final = 16  # arrived after a packet with a higher number (reordered or retransmitted)
