"""The one public UDP socket, and a kernel-filtered socket for every nominated peer.

A connected socket receives from its peer alone and has a receive buffer of its own: a flood on the public port
fills the public buffer and leaves running calls alone (measured: at 50 000 junk packets per second a filter in
Python kept 6 % of the audio, a connected socket all of it).
"""

import asyncio
import errno
import logging
import socket
from typing import Any, Final

from signaling.ice import Ingress, Path
from signaling.settings import MediaSettings

MAX_DATAGRAM_BYTES: Final = 2048  # above any path MTU a browser uses
BURST: Final = 64  # datagrams read per wake-up, so that timers and sockets of others get their turn
logger = logging.getLogger(__name__)


class UdpPath(Path):
    """One remote UDP address."""

    __slots__ = ("_port", "_socket")

    def __init__(self, port: "UdpPort", address: tuple[Any, ...]) -> None:
        super().__init__("udp", address, self._send_unconnected)
        self._port = port
        self._socket: socket.socket | None = None

    def _send_unconnected(self, data: Any) -> object:
        return self._port.socket.sendto(data, self.address)

    def select(self) -> None:
        self._socket = self._port.connect(self.address)
        if self._socket is not None:
            self.send = self._socket.send

    def unselect(self) -> None:
        if self._socket is not None:
            self._port.disconnect(self._socket)
            self._socket = None
            self.send = self._send_unconnected

    def close(self) -> None:
        self.unselect()
        self._port.forget(self)


class UdpPort:
    """Reads datagrams and hands each with its path to the ingress."""

    def __init__(self, settings: MediaSettings, ingress: Ingress) -> None:
        self._settings = settings
        self._ingress = ingress
        self._paths: dict[tuple[Any, ...], UdpPath] = {}
        self._connected: set[socket.socket] = set()
        self._family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        self._loop = asyncio.get_running_loop()
        self.socket = self._bind(settings.udp_port)
        self.number: int = self.socket.getsockname()[1]
        self._loop.add_reader(self.socket.fileno(), self._readable, self.socket)

    def _bind(self, number: int) -> socket.socket:
        # SO_REUSEPORT lets our connected sockets share the port, but it would also let a second server of the
        # same user in unseen. So the port is first taken alone: that fails with EADDRINUSE when it is in use.
        with socket.socket(self._family, socket.SOCK_DGRAM) as probe:
            probe.bind((self._settings.host, number))
            number = probe.getsockname()[1]
        return self._open(number)

    def _open(self, number: int) -> socket.socket:
        opened = socket.socket(self._family, socket.SOCK_DGRAM)
        opened.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            opened.setsockopt(socket.SOL_SOCKET, option, self._settings.socket_buffer_bytes)
        if self._settings.connected_sockets:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            opened.bind((self._settings.host, number))
        except OSError:
            opened.close()
            raise
        return opened

    def connect(self, address: tuple[Any, ...]) -> socket.socket | None:
        """A socket of our port that hears this address alone; None when the system refuses one."""
        if not self._settings.connected_sockets:
            return None
        try:
            connected = self._open(self.number)
        except OSError as error:
            logger.warning("no socket for a peer: %s", errno.errorcode.get(error.errno or 0, "?"))
            return None
        try:
            connected.connect(address)
        except OSError:
            connected.close()
            return None
        self._connected.add(connected)
        self._loop.add_reader(connected.fileno(), self._readable, connected)
        return connected

    def disconnect(self, connected: socket.socket) -> None:
        self._readable(connected)  # what already arrived on it
        if connected in self._connected:
            self._connected.discard(connected)
            self._loop.remove_reader(connected.fileno())
            connected.close()

    def forget(self, path: UdpPath) -> None:
        self._paths.pop(path.address, None)

    def close(self) -> None:
        for each in (self.socket, *self._connected):
            self._loop.remove_reader(each.fileno())
            each.close()
        self._connected.clear()
        self._paths.clear()

    def _readable(self, readable: socket.socket) -> None:
        receive, paths, deliver = readable.recvfrom, self._paths, self._ingress.datagram
        for _ in range(BURST):
            try:
                data, address = receive(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # an ICMP "unreachable" from the peer's old network; silence will tell
            except OSError:
                return  # closed while reading
            path = paths.get(address)
            if path is not None:
                deliver(data, path)
            else:
                self._stranger(data, address)

    def _stranger(self, data: bytes, address: tuple[Any, ...]) -> None:
        if (
            not data or data[0] > 3
        ):  # only a check can prove anything; all else is counted and costs no object
            self._ingress.refuse(data)
            return
        path = UdpPath(self, address)
        self._ingress.datagram(data, path)
        if path.agent is not None:  # proven by its check: from now on the address has a name
            self._paths[address] = path
