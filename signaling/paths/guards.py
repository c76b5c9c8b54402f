"""What a datagram must pass before anything costly is done for it. Small and plain: the native path does the same.

Order on the way in, cheapest first: size and first byte, a claim that names somebody we know, the rate of whoever
sends, and only then cryptography.
"""

from __future__ import annotations

import ipaddress
from typing import Final

STUN_COOKIE: Final = b"\x21\x12\xa4\x42"
STUN_HEADER_BYTES: Final = 20
MAX_STUN_BYTES: Final = 548  # RFC 8489 section 6.1: what surely passes without fragmentation
MAX_STUN_ATTRIBUTES: Final = 24  # browsers send up to ten
MAX_USERNAME_BYTES: Final = 300  # ours has 12 characters, the peer's up to 256
BINDING_REQUEST: Final = 0x0001
BINDING_RESPONSE: Final = 0x0101
MAX_SOURCES: Final = (
    1024  # SSRCs of one secured way; a hearing's day of new cameras and screens needs a tenth
)
_USERNAME: Final = 0x0006
_SECOND_NS: Final = 1_000_000_000


class SecondGate:
    """Lets through so many things, and so many bytes, in each second; what is more is refused, not delayed."""

    __slots__ = ("_bytes", "_count", "_limit", "_limit_bytes", "_since_ns")

    def __init__(self, limit: int, limit_bytes: int = 1 << 62) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._since_ns = -_SECOND_NS
        self._count = 0
        self._bytes = 0

    def allows(self, now_ns: int, size_bytes: int = 0) -> bool:
        """Count one more; False when it is too many."""
        if now_ns - self._since_ns >= _SECOND_NS:
            self._since_ns, self._count, self._bytes = now_ns, 0, 0
        self._count += 1
        self._bytes += size_bytes
        return self._count <= self._limit and self._bytes <= self._limit_bytes


class SourceGate:
    """Which SSRCs one secured way may use: libsrtp keeps a replay window for each it saw, for ever.

    `allows` before cryptography, `proven` after it: a forger uses nothing up.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def allows(self, ssrc: bytes) -> bool:
        return ssrc in self._known or len(self._known) < MAX_SOURCES

    def proven(self, ssrc: bytes) -> None:
        self._known.add(ssrc)


def network_of(host: str) -> str:
    """What counts as one sender: an IPv4 address, or the 64 bits of IPv6 that one household or phone is given."""
    if ":" not in host:
        return host
    try:
        packed = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    mapped = packed.ipv4_mapped
    return str(mapped) if mapped is not None else packed.packed[:8].hex()


def is_check(data: bytes) -> bool:
    """Has the shape of a STUN message (RFC 8489 section 5): size, whole words, cookie, length field."""
    size = len(data)
    return (
        STUN_HEADER_BYTES <= size <= MAX_STUN_BYTES
        and data[4:8] == STUN_COOKIE
        and (data[2] << 8 | data[3]) == size - STUN_HEADER_BYTES
        and not size & 3
    )


def claimed_ufrag(data: bytes) -> str | None:
    """The first half of the USERNAME of a STUN message: whom the sender wants to reach. None when there is none.

    Reads nothing else, so that junk costs neither a full parse nor a signature.
    """
    at, size = STUN_HEADER_BYTES, len(data)
    for _ in range(MAX_STUN_ATTRIBUTES):
        if at + 4 > size:
            return None
        length = data[at + 2] << 8 | data[at + 3]
        start = at + 4
        if start + length > size:
            return None
        if data[at] << 8 | data[at + 1] == _USERNAME:
            name = data[start : start + length].partition(b":")[0]
            return name.decode() if length <= MAX_USERNAME_BYTES and name.isascii() else None
        at = start + (length + 3 & ~3)
    return None
