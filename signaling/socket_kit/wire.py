"""Socket.IO packets, read strictly: four kinds, known shapes, bounded depth, never binary.

Packet = kind digit, optional `/namespace,`, optional ack id, JSON (Socket.IO protocol 5). The stock reader raises
KeyError, IndexError, RecursionError and ValueError on hostile text and keeps buffers for announced attachments.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import orjson
from socketio.packet import CONNECT, DISCONNECT, EVENT, Packet

# Our deepest message has five levels; what is deeper was made to hurt a parser.
MAX_DEPTH = 8
# kind, namespace, ack id. ASCII digits only: int() also reads ² and other scripts' digits.
_HEAD = re.compile(r"([0-6])(?:(/[a-z_]{1,32})(?:,|\Z))?([0-9]{1,9})?", re.ASCII)


class ProtocolFault(Exception):
    """A packet no honest client sends; `code` says which rule it broke."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Json:
    """orjson behind the names of the standard module, as python-socketio calls them."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str) -> Any:
        return orjson.loads(text)


class StrictPacket(Packet):  # type: ignore[misc]
    """Accepts CONNECT, DISCONNECT and EVENT from clients; we send no acknowledged events, so no ACK comes back."""

    uses_binary_events = False
    json: ClassVar[type[_Json]] = _Json

    def decode(self, encoded_packet: object) -> int:
        """Read one packet. Raises ProtocolFault `protocol.…`."""
        if not isinstance(encoded_packet, str):
            raise ProtocolFault("protocol.binary")
        match = _HEAD.match(encoded_packet)
        if match is None:
            raise ProtocolFault("protocol.malformed")
        kind, namespace, number = match.groups()
        self.packet_type = int(kind)
        if self.packet_type not in (CONNECT, DISCONNECT, EVENT):
            raise ProtocolFault("protocol.kind")
        self.namespace = namespace or "/"
        self.id = int(number) if number else None
        text = encoded_packet[match.end() :]
        self.data = _read_json(text) if text else None
        return 0


def _read_json(text: str) -> Any:
    try:
        value = orjson.loads(text)
    except ValueError as error:
        raise ProtocolFault("protocol.malformed") from error
    if _is_deeper(value, MAX_DEPTH):
        raise ProtocolFault("protocol.too_deep")
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether arrays and objects nest more than `levels` deep; walks level by level, never recursively."""
    level = [value]
    for _ in range(levels + 1):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(child for child in item.values() if isinstance(child, dict | list))
            elif isinstance(item, list):
                inner.extend(child for child in item if isinstance(child, dict | list))
        if not inner:
            return False
        level = inner
    return True
