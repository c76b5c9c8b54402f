"""Sockets in a network of their own, whose loopback carries only small datagrams whole."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
import threading
from typing import Final

from tests.unit.signaling.native.threads import wire

_NEW_NETWORK: Final = 0x40000000  # CLONE_NEWNET
_SET_FLAGS, _SET_MTU = 0x8914, 0x8922  # SIOCSIFFLAGS, SIOCSIFMTU
_UP_AND_RUNNING: Final = 0x1 | 0x40


def narrow_wire(mtu_bytes: int) -> tuple[socket.socket, socket.socket] | None:
    """As `wire`; anybody may use the sockets, the network stays theirs. None without the right to make one."""
    found: list[tuple[socket.socket, socket.socket]] = []

    def make() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for order, content in (
                (_SET_MTU, struct.pack("i", mtu_bytes)),
                (_SET_FLAGS, struct.pack("h", _UP_AND_RUNNING)),
            ):
                fcntl.ioctl(control, order, struct.pack("16s16s", b"lo", content))
        found.append(wire())

    thread = threading.Thread(
        target=make
    )  # a namespace belongs to a thread: the tests' own stays where it is
    thread.start()
    thread.join()
    return found[0] if found else None
