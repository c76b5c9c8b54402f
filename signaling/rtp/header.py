"""The fixed RTP header (RFC 3550 section 5.1): cheap reading and writing on bytes, no packet objects."""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

_FIXED: Final = Struct("!BBHII")
_unpack_fixed = _FIXED.unpack_from
_pack_fixed = _FIXED.pack

FIXED_BYTES: Final = 12
MAX_PACKET_BYTES: Final = 1500  # pylibsrtp copies into a buffer of this size; nothing larger can be genuine
# All extensions we negotiate together take 75 bytes with the longest names allowed. The elements of a longer block
# would be walked for nothing: 1400 zeros cost as much as a hundred honest packets.
MAX_EXTENSION_BYTES: Final = 128


class RtpHeader(NamedTuple):
    """Where the parts of one RTP packet lie; all offsets in bytes from the start of the packet."""

    payload_type: int
    marker: int  # 0x80 or 0: the bit as it stands in the second octet
    sequence: int
    timestamp: int
    ssrc: int
    payload_start: int
    payload_end: int  # padding is behind it
    extension_profile: int  # 0 when there is no extension
    extension_start: int
    extension_end: int


def payload_type(packet: bytes) -> int:
    """The 7-bit payload type. The packet must have at least 12 bytes."""
    return packet[1] & 0x7F


def marker(packet: bytes) -> bool:
    """The marker bit (last packet of a video frame). The packet must have at least 12 bytes."""
    return packet[1] >= 0x80


def sequence(packet: bytes) -> int:
    """The 16-bit sequence number. The packet must have at least 12 bytes."""
    return packet[2] << 8 | packet[3]


def timestamp(packet: bytes) -> int:
    """The 32-bit timestamp. The packet must have at least 12 bytes."""
    return int.from_bytes(packet[4:8], "big")


def ssrc(packet: bytes) -> int:
    """The synchronisation source. The packet must have at least 12 bytes."""
    return int.from_bytes(packet[8:12], "big")


def parse_header(packet: bytes) -> RtpHeader | None:
    """Read the header of a packet; None when it is malformed in any way (version, CSRCs, extension, padding).

    An extension block of more than MAX_EXTENSION_BYTES counts as malformed. CSRCs are skipped, all 15 of them.
    """
    size = len(packet)
    if size < FIXED_BYTES or size > MAX_PACKET_BYTES:
        return None
    first, second, sequence_, timestamp_, ssrc_ = _unpack_fixed(packet)
    if first >> 6 != 2:
        return None
    start = FIXED_BYTES + ((first & 0x0F) << 2)
    profile = extension_start = extension_end = 0
    if first & 0x10:
        if size < start + 4:
            return None
        profile = packet[start] << 8 | packet[start + 1]
        extension_start = start + 4
        start = extension_end = extension_start + ((packet[start + 2] << 8 | packet[start + 3]) << 2)
        if extension_end - extension_start > MAX_EXTENSION_BYTES:
            return None
    end = size
    if first & 0x20:
        padding = packet[-1]
        if padding == 0:
            return None
        end -= padding
    if start > end:
        return None
    fields = (
        second & 0x7F,
        second & 0x80,
        sequence_,
        timestamp_,
        ssrc_,
        start,
        end,
        profile,
        extension_start,
        extension_end,
    )
    return tuple.__new__(RtpHeader, fields)  # the named constructor costs three times as much


def build_header(
    *, payload_type: int, marker: int, sequence: int, timestamp: int, ssrc: int, extension: bytes = b""
) -> bytes:
    """A 12-byte header plus an extension block as made by `extensions.build_block` (whole 32-bit words or empty).

    `marker` is 0x80 or 0. Numbers are cut to their width.
    """
    first = 0x90 if extension else 0x80
    return (
        _pack_fixed(first, marker | payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + extension
    )


def padding_packet(
    *, payload_type: int, sequence: int, timestamp: int, ssrc: int, extension: bytes = b""
) -> bytes:
    """A packet without payload: it fills a hole in the sequence that will never carry media (RFC 3550 5.1, P bit)."""
    head = bytearray(
        build_header(
            payload_type=payload_type,
            marker=0,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            extension=extension,
        )
    )
    head[0] |= 0x20
    return bytes(head) + b"\x00\x00\x00\x04"
