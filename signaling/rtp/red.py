"""Redundant audio (RFC 2198): the primary block, for viewers that take plain Opus only, and what is repeated."""

from __future__ import annotations

from typing import Final

# Browsers send one or two; each further header would be walked again for every viewer.
MAX_REDUNDANT_BLOCKS: Final = 8


def primary_block(payload: bytes) -> tuple[int, bytes] | None:
    """(payload type, data) of the newest block of a RED payload; None when the block headers do not add up.

    More than MAX_REDUNDANT_BLOCKS older blocks count as malformed.
    """
    at, size, redundant_bytes = 0, len(payload), 0
    while at < size and payload[at] & 0x80:
        if at + 4 > size:
            return None
        redundant_bytes += (payload[at + 2] & 0x03) << 8 | payload[at + 3]
        at += 4
        if at > 4 * MAX_REDUNDANT_BLOCKS:
            return None
    if at >= size:
        return None
    start = at + 1 + redundant_bytes
    if start > size:
        return None
    return payload[at] & 0x7F, payload[start:]


def repeats(payload: bytes) -> int:
    """How many frames before its own a RED payload repeats; 0 when the block headers do not add up.

    Browsers repeat the packets right before this one, oldest first; an empty block repeats nothing and ends the count.
    """
    at, size = 0, len(payload)
    lengths: list[int] = []
    while at < size and payload[at] & 0x80:
        if at + 4 > size:
            return 0
        lengths.append((payload[at + 2] & 0x03) << 8 | payload[at + 3])
        at += 4
    if at >= size or at + 1 + sum(lengths) > size:
        return 0
    found = 0
    for length in reversed(lengths):
        if not length:
            break
        found += 1
    return found
