"""Redundant audio (RFC 2198): the primary block, for viewers and recorders that take plain Opus only."""

from __future__ import annotations


def primary_block(payload: bytes) -> tuple[int, bytes] | None:
    """(payload type, data) of the newest block of a RED payload; None when the block headers do not add up."""
    at, size, redundant_bytes = 0, len(payload), 0
    while at < size and payload[at] & 0x80:
        if at + 4 > size:
            return None
        redundant_bytes += (payload[at + 2] & 0x03) << 8 | payload[at + 3]
        at += 4
    if at >= size:
        return None
    start = at + 1 + redundant_bytes
    if start > size:
        return None
    return payload[at] & 0x7F, payload[start:]
