"""The VP8 payload descriptor (RFC 7741 section 4.2): reading it, and rewriting picture id and TL0PICIDX."""

from __future__ import annotations

from typing import NamedTuple


class Vp8Descriptor(NamedTuple):
    """One parsed descriptor. Absent numbers are -1."""

    size_bytes: int
    starts_frame: bool  # S = 1 and partition 0: the first packet of a frame
    is_keyframe: bool  # starts_frame and the frame header says key frame
    picture_id: int
    picture_id_bits: int  # 0, 7 or 15
    picture_id_at: int  # offset in the payload, -1 when absent
    tl0_index: int
    tl0_at: int  # offset in the payload, -1 when absent
    temporal_id: int  # 0 when absent
    is_sync: bool  # Y: depends on temporal layer 0 only, a viewer may climb here
    is_droppable: bool  # N: no other frame refers to it


def parse_descriptor(payload: bytes) -> Vp8Descriptor | None:
    """Read the descriptor at the start of an RTP payload; None when it is cut off or nothing follows it."""
    if len(payload) < 2:
        return None
    first = payload[0]
    starts, droppable = first & 0x1F == 0x10, first & 0x20 != 0
    if not first & 0x80:
        key = starts and not payload[1] & 1
        return Vp8Descriptor(1, starts, key, -1, 0, -1, -1, -1, 0, False, droppable)
    try:
        return _parse_extended(payload, payload[1], starts=starts, droppable=droppable)
    except IndexError:
        return None


def _parse_extended(payload: bytes, flags: int, *, starts: bool, droppable: bool) -> Vp8Descriptor:
    """The optional fields that `flags` announces; IndexError when they are cut off."""
    at = 2
    picture_id, bits, picture_at = -1, 0, -1
    if flags & 0x80:
        picture_at = at
        picture_id, bits = payload[at], 7
        at += 1
        if picture_id & 0x80:
            picture_id, bits = (picture_id & 0x7F) << 8 | payload[at], 15
            at += 1
    tl0, tl0_at = -1, -1
    if flags & 0x40:
        tl0, tl0_at = payload[at], at
        at += 1
    temporal, sync = 0, False
    if flags & 0x30:
        if flags & 0x20:
            temporal, sync = payload[at] >> 6, payload[at] & 0x20 != 0
        at += 1
    has_key_bit_clear = not payload[at] & 1  # also proves that something follows
    key = starts and has_key_bit_clear
    return Vp8Descriptor(
        at, starts, key, picture_id, bits, picture_at, tl0, tl0_at, temporal, sync, droppable
    )


def rewrite_descriptor(payload: bytes, descriptor: Vp8Descriptor, picture_id: int, tl0_index: int) -> bytes:
    """A copy of `payload` with other numbers in it, each cut to its width on the wire; absent ones stay absent."""
    out = bytearray(payload)
    at = descriptor.picture_id_at
    if descriptor.picture_id_bits == 15:
        out[at] = 0x80 | picture_id >> 8 & 0x7F
        out[at + 1] = picture_id & 0xFF
    elif descriptor.picture_id_bits == 7:
        out[at] = picture_id & 0x7F
    if descriptor.tl0_at >= 0:
        out[descriptor.tl0_at] = tl0_index & 0xFF
    return bytes(out)


def keyframe_size(payload: bytes, descriptor: Vp8Descriptor) -> tuple[int, int] | None:
    """(width, height) in pixels from the first packet of a key frame (RFC 6386 section 9.1), else None."""
    at = descriptor.size_bytes
    if not descriptor.is_keyframe or len(payload) < at + 10 or payload[at + 3 : at + 6] != b"\x9d\x01\x2a":
        return None
    width = (payload[at + 7] << 8 | payload[at + 6]) & 0x3FFF
    height = (payload[at + 9] << 8 | payload[at + 8]) & 0x3FFF
    return (width, height) if width and height else None
