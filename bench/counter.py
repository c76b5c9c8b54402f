"""The load client's second half in C: counts what viewers are sent, so that the client is not what is full first.

Without a compiler everything is counted in Python, at about a tenth of the rate.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
from typing import Any, Final

from bench.compiled import compiled
from bench.member import VERIFY_EVERY, Member, Tally

_NUMBER_BYTES: Final = 4
_STREAMS: Final = 256
_QUEUE_BYTES: Final = 1 << 20


class _Stream(ctypes.Structure):
    _fields_ = (
        ("ssrc", ctypes.c_uint32),
        ("packets", ctypes.c_uint32),
        ("first", ctypes.c_int64),
        ("highest", ctypes.c_int64),
    )


class Counter:
    """Owns the thread and the receiving sockets it was given; `sync` brings its counters into the members."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._library = _declared(compiled("counter"))
        self._news, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for each in (self._news, self._theirs):
            each.setblocking(False)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _QUEUE_BYTES)
        self._handle: Any = self._library.counter_open(self._theirs.fileno(), VERIFY_EVERY)
        if not self._handle:
            raise OSError("no counting thread")
        self._members: list[Member] = []
        self._before: list[tuple[int, int]] = []
        self._totals = (ctypes.c_uint64 * 2)()
        self._streams = (_Stream * _STREAMS)()
        asyncio.get_running_loop().add_reader(self._news.fileno(), self._told)

    def take(self, member: Member) -> None:
        """From now on the member's receiving socket is read here. Its connection must stand."""
        descriptor = member.watching.hand_over()
        for heard in member.heard.values():
            heard.packets, heard.first, heard.highest = 0, -1, -1
        if self._library.counter_add(self._handle, descriptor) != len(self._members):
            raise OSError("the socket cannot be counted")
        self._members.append(member)
        self._before.append((0, 0))

    def _told(self) -> None:
        """Reports, checks, and the packets that are to be opened."""
        while True:
            try:
                data = self._news.recv(4096)
            except BlockingIOError:
                return
            member = self._members[int.from_bytes(data[:_NUMBER_BYTES], "little")]
            packet = data[_NUMBER_BYTES:]
            if packet[0] >> 6 == 2 and not 192 <= packet[1] <= 223:
                member.verify(packet)
            else:
                member.watching.take(packet)

    def sync(self) -> None:
        """Bring everybody's counters up to now."""
        for index, member in enumerate(self._members):
            found = self._library.counter_read(self._handle, index, self._totals, self._streams, _STREAMS)
            packets, size_bytes = self._totals
            before = self._before[index]
            self._tally.packets += packets - before[0]
            self._tally.bytes += size_bytes - before[1]
            self._before[index] = packets, size_bytes
            for stream in self._streams[:found]:
                heard = member.heard.get(stream.ssrc)
                if heard is not None:
                    heard.packets, heard.first, heard.highest = stream.packets, stream.first, stream.highest

    def close(self) -> None:
        """Before the sockets are closed. Idempotent."""
        if self._handle:
            self.sync()
            asyncio.get_running_loop().remove_reader(self._news.fileno())
            self._library.counter_close(self._handle)
            self._handle = None
            self._news.close()
            self._theirs.close()


def _declared(library: Any) -> Any:
    pointer, number = ctypes.c_void_p, ctypes.c_uint32
    for name, result, arguments in (
        ("counter_open", pointer, [ctypes.c_int, number]),
        ("counter_add", ctypes.c_int, [pointer, ctypes.c_int]),
        (
            "counter_read",
            number,
            [pointer, number, ctypes.POINTER(ctypes.c_uint64), ctypes.POINTER(_Stream), number],
        ),
        ("counter_close", None, [pointer]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
