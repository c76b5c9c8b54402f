"""How long packets stay in the server: from the kernel's stamp on arrival to the return of the last viewer's `send`.

One datagram in `MediaSettings.residence_sample` is read with its stamp (SO_TIMESTAMPNS), so that waiting in the socket
buffer, which paced reading makes on purpose, is inside the figure. Without a stamp nothing is counted: a time taken
after reading would flatter.
"""

import contextlib
import socket
import struct
import time
from typing import Final, Protocol

from signaling.rtp.histogram import Histogram

# include/uapi/asm-generic/socket.h; the socket module of CPython does not name it.
SO_TIMESTAMPNS: Final = getattr(socket, "SO_TIMESTAMPNS", 35)
_TIMESPEC: Final = struct.Struct("@ll")
_CONTROL_BYTES: Final = socket.CMSG_SPACE(_TIMESPEC.size)
_BELIEVED_NS: Final = 5_000_000_000  # an older stamp means that the wall clock stepped in between


class CountsForwarded(Protocol):
    """What tells whether a datagram went on to anybody."""

    @property
    def forwarded(self) -> int: ...


class ResidenceMeter:
    """The clock of one room's arriving packets; `ice.IceAgent.meter` of every connection that publishes there."""

    __slots__ = ("_step", "histogram")

    def __init__(self, histogram: Histogram, step: CountsForwarded) -> None:
        self.histogram = histogram
        self._step = step

    def forwarded(self) -> int:
        """Read before the datagram is handed on, and given to `left` afterwards."""
        return self._step.forwarded

    def left(self, arrived_ns: int, forwarded_before: int) -> None:
        """Everything the datagram caused has been sent. Counted only if somebody got it."""
        if self._step.forwarded != forwarded_before:
            self.histogram.add(time.monotonic_ns() - arrived_ns)


def ask_for_stamps(opened: socket.socket) -> None:
    """From now on the kernel notes when each datagram came. Where it cannot, `receive_stamped` says None."""
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def receive_stamped(opened: socket.socket, size_bytes: int) -> tuple[bytes, int | None]:
    """One datagram and its arrival in monotonic ns; raises what `recv` raises."""
    data, control, _, _ = opened.recvmsg(size_bytes, _CONTROL_BYTES)
    for level, kind, value in control:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(value) == _TIMESPEC.size:
            seconds, ns = _TIMESPEC.unpack(value)
            age_ns = time.time_ns() - (seconds * 1_000_000_000 + ns)  # the stamp is of the wall clock
            if 0 <= age_ns < _BELIEVED_NS:
                return data, time.monotonic_ns() - age_ns
    return data, None
