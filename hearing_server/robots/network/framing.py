"""RFC 4571 frames over one TCP connection, with the face of a datagram transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

# A stalled connection holds half a second of a hearing's media; beyond it datagrams are dropped, as a radio does.
MAX_BUFFER_BYTES: Final = 256 << 10


class FramedConnection(asyncio.Protocol):
    """What `sendto` takes arrives as one frame; frames that come are given to `heard`."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self._heard = heard
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, address: tuple[str, int], heard: Callable[[bytes], None]) -> FramedConnection:
        """Connect. Raises OSError."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(lambda: cls(heard), *address)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # create_connection makes stream transports

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 2:
            end = at + 2 + (buffer[at] << 8 | buffer[at + 1])
            if len(buffer) < end:
                break
            self._heard(bytes(buffer[at + 2 : end]))
            at = end
        del buffer[:at]

    def sendto(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() <= MAX_BUFFER_BYTES:
            transport.write(len(data).to_bytes(2, "big") + data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
