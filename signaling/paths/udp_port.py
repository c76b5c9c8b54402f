"""The one public UDP socket, and a kernel-filtered socket for every nominated peer.

A connected socket receives from its peer alone and has a receive buffer of its own: a flood on the public port
fills the public buffer and leaves running calls alone (measured: at 50 000 junk packets per second a filter in
Python kept 6 % of the audio, a connected socket all of it).

Reading is paced as network cards pace their interrupts: the first packet after silence is read at once, what follows
within `read_pause_s` is read together. At one hearing's rate every wake-up finds cold caches; fewer of them cost an
eighth less CPU per forwarded packet (bench/REPORT.md) for at most that much delay.
"""

import asyncio
import errno
import functools
import logging
import select
import socket
import time
from typing import Any, Final

from signaling.native.plane import Peer, Plane
from signaling.paths.ice import Ingress, Path
from signaling.paths.roaming import Roaming
from signaling.residence import ask_for_stamps, receive_stamped
from signaling.settings import MediaSettings

MAX_DATAGRAM_BYTES: Final = 2048  # above any path MTU a browser uses
BURST: Final = 64  # datagrams read per turn of a socket, so that timers and sockets of others get their turn
SETTLE_TURNS: Final = 32  # two thousand datagrams of each peer: more than its receive buffer holds
HANDSHAKE_PAUSE_S: Final = (
    0.001  # while somebody connects, each of six round trips would wait the whole pause
)
_FIRST_MEDIA_BYTE: Final = 128  # RFC 7983: below are STUN, DTLS and TURN
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
        self._socket = self._port.connect(self)
        if self._socket is not None:
            self.send = self._socket.send
            self.descriptor = self._socket.fileno()

    def unselect(self) -> None:
        if self._socket is not None:
            self._port.disconnect(self._socket)
            self._socket = None
            self.descriptor = None
            self.send = self._send_unconnected

    def close(self) -> None:
        self.unselect()
        self._port.forget(self)


class UdpPort:
    """Reads datagrams and hands each with its path to the ingress."""

    def __init__(self, settings: MediaSettings, ingress: Ingress, plane: Plane | None = None) -> None:
        self._settings = settings
        self._ingress = ingress
        self._plane = plane  # reads the connected sockets when it is there
        self._peers: dict[int, Peer] = {}  # by descriptor
        self._paths: dict[tuple[Any, ...], UdpPath] = {}
        self._roaming = Roaming()
        self._connected: dict[int, tuple[socket.socket, UdpPath]] = {}  # by descriptor
        self._family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        self._loop = asyncio.get_running_loop()
        self.socket = self._bind(settings.udp_port)
        self.number: int = self.socket.getsockname()[1]
        self._ready = select.epoll()
        self._ready.register(self.socket.fileno(), select.EPOLLIN)
        self._pause: asyncio.TimerHandle | None = None
        self._saw_handshake = False
        self._timed_in = settings.residence_sample  # datagrams of proven peers until the next one is timed
        self._loop.add_reader(self._ready.fileno(), self._wake)

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

    def connect(self, path: UdpPath) -> socket.socket | None:
        """A socket of our port that hears this path's address alone; None when the system refuses one."""
        if not self._settings.connected_sockets:
            return None
        try:
            connected = self._open(self.number)
        except OSError as error:
            logger.warning("no socket for a peer: %s", errno.errorcode.get(error.errno or 0, "?"))
            return None
        try:
            connected.connect(path.address)
        except OSError:
            connected.close()
            return None
        ask_for_stamps(connected)
        if self._plane is None:
            self._connected[connected.fileno()] = connected, path
            self._ready.register(connected.fileno(), select.EPOLLIN)
            return connected
        line = path.agent.line if path.agent is not None else 0
        deliver = functools.partial(self._ingress.deliver, path)
        self._peers[connected.fileno()] = Peer(self._plane, connected.fileno(), line, deliver)
        return connected

    def disconnect(self, connected: socket.socket) -> None:
        peer = self._peers.pop(connected.fileno(), None)
        if peer is not None:
            peer.close()
            connected.close()
            return
        found = self._connected.get(connected.fileno())
        if found is not None:
            self._read(*found)  # what already arrived on it
        if self._connected.pop(connected.fileno(), None) is not None:
            self._ready.unregister(connected.fileno())
            connected.close()

    def forget(self, path: UdpPath) -> None:
        self._paths.pop(path.address, None)

    def close(self) -> None:
        if self._ready.closed:
            return
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._ready.fileno())
        self._ready.close()
        for path in list(self._paths.values()):
            path.unselect()
        for each in (self.socket, *(connected for connected, _ in self._connected.values())):
            each.close()
        self._connected.clear()
        self._paths.clear()

    def _wake(self) -> None:
        """The first packet after a pause."""
        if self._settings.read_pause_s <= 0:
            self._drain()
            return
        self._loop.remove_reader(self._ready.fileno())
        self._after_pause()

    def _after_pause(self) -> None:
        """Read what came; pause again if anything did, else wait for the next packet."""
        self._pause = None
        self._saw_handshake = False
        more = self._drain()
        if self._ready.closed:
            return  # a packet made somebody close us
        if more is None:
            self._loop.add_reader(self._ready.fileno(), self._wake)
            return
        pause_s = self._settings.read_pause_s
        if self._saw_handshake:
            pause_s = min(HANDSHAKE_PAUSE_S, pause_s)
        self._pause = self._loop.call_later(0.0 if more else pause_s, self._after_pause)

    def settle(self) -> None:
        """Read what waits now, before something ends that it belongs to. On a machine short of time it is a lot."""
        for _ in range(SETTLE_TURNS):
            if self._ready.closed or not self._drain():
                return

    def _drain(self) -> bool | None:
        """One turn for every socket that has something. None: none had; True: one has more."""
        ready = self._ready.poll(0)
        if not ready:
            return None
        more = False
        public = self.socket.fileno()
        for descriptor, _ in ready:
            if descriptor == public:
                more |= self._read_public()
            elif (
                found := self._connected.get(descriptor)
            ) is not None:  # closed a moment ago: nothing to read
                more |= self._read(*found)
        return more

    def _read(self, connected: socket.socket, path: UdpPath) -> bool:
        """Up to BURST datagrams of one peer; True when there may be more."""
        receive, deliver = connected.recv, self._ingress.datagram
        timed_in, arrived_ns = self._timed_in, None
        for _ in range(BURST):
            try:
                if timed_in > 1:
                    data = receive(MAX_DATAGRAM_BYTES)
                else:
                    data, arrived_ns = receive_stamped(connected, MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                self._timed_in = timed_in
                return False
            except ConnectionError:
                continue  # an ICMP "unreachable" from the peer's old network; silence will tell
            except OSError:
                return False  # closed while reading
            if data and data[0] < _FIRST_MEDIA_BYTE:
                self._saw_handshake = True
            if timed_in > 1:
                timed_in -= 1
                deliver(data, path)
            else:
                timed_in = self._settings.residence_sample
                self._deliver_timed(data, path, arrived_ns)
        self._timed_in = timed_in
        return True

    def _deliver_timed(self, data: bytes, path: UdpPath, arrived_ns: int | None) -> None:
        """One datagram, and how long it took until all it causes has been sent."""
        meter = path.agent.meter if path.agent is not None else None
        before = meter.forwarded() if meter is not None else 0
        self._ingress.datagram(data, path)
        if meter is not None and arrived_ns is not None:
            meter.left(arrived_ns, before)

    def _read_public(self) -> bool:
        """Up to BURST datagrams of anybody; True when there may be more."""
        receive, paths, deliver = self.socket.recvfrom, self._paths, self._ingress.datagram
        for _ in range(BURST):
            try:
                data, address = receive(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return False
            except ConnectionError:
                continue
            except OSError:
                return False
            path = paths.get(address)
            if path is not None:
                self._saw_handshake = self._saw_handshake or (bool(data) and data[0] < _FIRST_MEDIA_BYTE)
                deliver(data, path)
            else:
                self._stranger(data, address)
        return True

    def _stranger(self, data: bytes, address: tuple[Any, ...]) -> None:
        if data and 127 < data[0] < 192:
            now_ns, table = time.monotonic_ns(), self._ingress.table
            agent = self._roaming.owner_of(data, str(address[0]), table.agents, now_ns)
            if agent is not None:
                moved = self._paths[address] = UdpPath(self, address)
                table.adopt(moved, agent, now_ns)
                return
        if (
            not data or data[0] > 3
        ):  # only a check or its own media prove anything; all else is counted and costs no object
            self._ingress.refuse(data)
            return
        path = UdpPath(self, address)
        self._ingress.datagram(data, path)
        if path.agent is not None:  # proven by its check: from now on the address has a name
            self._paths[address] = path
            self._saw_handshake = True
