"""The answer to a STUN check (RFC 8489 section 7.3): where it came from, or why it is refused, signed."""

import ipaddress
from typing import Any

from aioice import stun


def build_answer(request: Any, address: tuple[Any, ...], key: bytes, error: tuple[int, str] | None) -> bytes:
    """A success response to `request` for the one at `address`, or an error (code, reason); `key` signs it."""
    answer = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.ERROR if error else stun.Class.RESPONSE,
        transaction_id=request.transaction_id,
    )
    if error:
        answer.attributes["ERROR-CODE"] = error
    else:
        answer.attributes["XOR-MAPPED-ADDRESS"] = _plain_address(address)
    answer.add_message_integrity(key)
    return bytes(answer)


def _plain_address(address: tuple[Any, ...]) -> tuple[str, int]:
    """The address as the peer knows it: a v4-mapped IPv6 address becomes IPv4, a zone is cut off."""
    host = str(address[0]).partition("%")[0]
    parsed = ipaddress.ip_address(host)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        host = str(parsed.ipv4_mapped)
    return host, int(address[1])
