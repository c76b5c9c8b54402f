"""RTP header extensions in the one-byte and two-byte forms (RFC 8285)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from signaling.rtp.header import RtpHeader

MID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL_URI: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME_URI: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC_URI: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

WIDE_ID: Final = 5  # of the transport-wide number in our own offers
# Its element with a number of 0, behind one octet of padding: always the last word of a block, so that a transport
# finds the two octets of the number at one place. The number itself is written when the packet leaves.
WIDE_ELEMENT: Final = bytes([0, WIDE_ID << 4 | 1, 0, 0])

ONE_BYTE: Final = 0xBEDE  # profiles of RFC 8285
_TWO_BYTE: Final = 0x1000
_TWO_BYTE_MASK: Final = 0xFFF0
_SDES_MAX_BYTES: Final = 16  # RFC 8852: a rid is short; longer names are hostile


@dataclass(frozen=True, slots=True)
class ExtensionIds:
    """The ids negotiated for one transport; 0 means not negotiated."""

    mid: int = 0
    rid: int = 0
    repaired_rid: int = 0
    audio_level: int = 0
    abs_send_time: int = 0
    transport_cc: int = 0

    @classmethod
    def from_uris(cls, ids: Mapping[str, int]) -> ExtensionIds:
        """From the `a=extmap` lines of one media section: URI -> id. Unknown URIs are ignored."""
        return cls(
            mid=ids.get(MID_URI, 0),
            rid=ids.get(RID_URI, 0),
            repaired_rid=ids.get(REPAIRED_RID_URI, 0),
            audio_level=ids.get(AUDIO_LEVEL_URI, 0),
            abs_send_time=ids.get(ABS_SEND_TIME_URI, 0),
            transport_cc=ids.get(TRANSPORT_CC_URI, 0),
        )


def find(packet: bytes, header: RtpHeader, extension_id: int) -> bytes | None:
    """The content of one extension element, or None when it is absent, cut off, or the form is unknown."""
    if not extension_id:
        return None
    profile = header.extension_profile
    at, end = header.extension_start, header.extension_end
    if profile == ONE_BYTE:
        while at < end:
            first = packet[at]
            if first == 0:  # padding between elements
                at += 1
                continue
            found, length = first >> 4, (first & 0x0F) + 1
            if found == 15 or at + 1 + length > end:
                return None
            if found == extension_id:
                return packet[at + 1 : at + 1 + length]
            at += 1 + length
    elif profile & _TWO_BYTE_MASK == _TWO_BYTE:
        while at < end:
            found = packet[at]
            if found == 0:
                at += 1
                continue
            if at + 2 > end:
                return None
            length = packet[at + 1]
            if at + 2 + length > end:
                return None
            if found == extension_id:
                return packet[at + 2 : at + 2 + length]
            at += 2 + length
    return None


def text(packet: bytes, header: RtpHeader, extension_id: int) -> str | None:
    """A short ASCII name (mid, rid, repaired rid), or None when absent or not printable ASCII."""
    value = find(packet, header, extension_id)
    if not value or len(value) > _SDES_MAX_BYTES or not value.isascii():
        return None
    name = value.decode("ascii")
    return name if name.isprintable() else None


def audio_level(packet: bytes, header: RtpHeader, extension_id: int) -> int:
    """Loudness below full scale, 0 (loudest) .. 127 (silence), in -dBov (RFC 6464); -1 when absent."""
    value = find(packet, header, extension_id)
    return value[0] & 0x7F if value else -1


def abs_send_time(packet: bytes, header: RtpHeader, extension_id: int) -> int:
    """The sender's clock in 6.18 fixed-point seconds, 24 bits; -1 when absent."""
    value = find(packet, header, extension_id)
    return int.from_bytes(value, "big") if value and len(value) == 3 else -1


def transport_sequence(packet: bytes, header: RtpHeader, extension_id: int) -> int:
    """The transport-wide sequence number, 16 bits; -1 when absent."""
    value = find(packet, header, extension_id)
    return int.from_bytes(value[:2], "big") if value and len(value) >= 2 else -1


def abs_send_time_bytes(now_ms: float) -> bytes:
    """The three bytes of abs-send-time for a monotonic time in ms (only differences matter to the receiver)."""
    return (int(now_ms * 262.144) & 0xFFFFFF).to_bytes(3, "big")


def build_block(
    *, mid_id: int = 0, mid: str = "", abs_send_time_id: int = 0, has_wide_sequence: bool = False
) -> bytes:
    """The constant part of a leg's extension block, in the one-byte form.

    Holds `mid` and, when `abs_send_time_id` is set, the element head of abs-send-time at the very end: the caller
    appends the three bytes of `abs_send_time_bytes` to every packet and, with `has_wide_sequence`, WIDE_ELEMENT; then
    the block ends on a 32-bit word. Returns b"" when nothing is asked for. Raises ValueError for ids outside 1..14 or
    a mid outside 1..16 bytes.
    """
    elements = b""
    if mid_id:
        name = mid.encode("ascii")
        if not 1 <= mid_id <= 14 or not 1 <= len(name) <= _SDES_MAX_BYTES:
            raise ValueError("mid needs an id of 1..14 and 1..16 ASCII characters")
        elements = bytes([mid_id << 4 | len(name) - 1]) + name
    if abs_send_time_id and not 1 <= abs_send_time_id <= 14:
        raise ValueError("abs-send-time needs an id of 1..14")
    if not elements and not abs_send_time_id and not has_wide_sequence:
        return b""
    elements += b"\x00" * (-len(elements) % 4)
    words = len(elements) // 4
    if abs_send_time_id:
        words += 1
        elements += bytes([abs_send_time_id << 4 | 2])
    words += len(WIDE_ELEMENT) // 4 if has_wide_sequence else 0
    return ONE_BYTE.to_bytes(2, "big") + words.to_bytes(2, "big") + elements
