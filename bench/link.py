"""A browser's side of one connection, without a browser: one UDP socket, one ICE check, DTLS, SRTP.

Stands in for phones in the load client: everything on the wire is real, nothing is encoded or decoded.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import Callable
from typing import Any

from aioice import stun
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)

from signaling.sdp import Description, parse

CHECK_EVERY_S = 2.5  # as browsers do
CONNECT_TIMEOUT_S = 20.0
_CANDIDATE = re.compile(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host")


class _Records:
    """What RTCDtlsTransport asks of its ICE transport."""

    role = "controlling"

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._transmit = send
        self.queue: asyncio.Queue[bytes] = asyncio.Queue(64)

    async def _recv(self) -> bytes:
        return await self.queue.get()

    async def _send(self, data: bytes) -> None:
        self._transmit(data)


class Link:
    """One transport to the server. `on_rtp(protected)` hears media as it came, `on_rtcp(plain)` reports."""

    def __init__(self, *, on_rtp: Callable[[bytes], None], on_rtcp: Callable[[bytes], None]) -> None:
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(16)
        self._certificate: Any = RTCCertificate.generateCertificate()
        self.fingerprint: str = next(
            f"{each.algorithm} {each.value}"
            for each in self._certificate.getFingerprints()
            if each.algorithm == "sha-256"
        )
        self._on_rtp, self._on_rtcp = on_rtp, on_rtcp
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self._socket.setsockopt(socket.SOL_SOCKET, option, 4 << 20)
        records: Any = _Records(self._socket.send)
        self._records = records
        self._dtls: Any = RTCDtlsTransport(records, [self._certificate])
        self._answered = asyncio.Event()
        self._checks: asyncio.Task[None] | None = None
        self._controls = True
        self.is_started = self.is_connected = False
        self.tx: Any = None
        self.rx: Any = None

    def bind(self, host: str) -> int:
        """Take a port before anybody is reached, for a peer that wants a candidate; the port."""
        self._socket.bind((host, 0))
        return int(self._socket.getsockname()[1])

    async def connect(self, sdp: str, *, controls: bool = True) -> None:
        """Reach the server described by its offer or answer. Raises TimeoutError.

        A server that is no lite one controls where it made the offer: then without `controls`.
        """
        self._controls = controls
        self.is_started = True
        remote, candidate = parse(sdp), _CANDIDATE.search(sdp)
        if candidate is None:
            raise ValueError("no UDP candidate")
        self._socket.connect((candidate[1], int(candidate[2])))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)
        self._checks = asyncio.create_task(self._check(remote))
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await self._answered.wait()
            self._dtls._set_role("client")
            print_ = remote.fingerprint
            await self._dtls.start(
                RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(print_.algorithm, print_.value)])
            )
        self.tx, self.rx = self._dtls._tx_srtp, self._dtls._rx_srtp
        self.is_connected = True

    async def _check(self, remote: Description) -> None:
        """Authenticated checks with nomination: often until answered, then to keep consent (RFC 7675)."""
        while True:
            request = stun.Message(
                message_method=stun.Method.BINDING,
                message_class=stun.Class.REQUEST,
                transaction_id=secrets.token_bytes(12),
            )
            request.attributes["USERNAME"] = f"{remote.ufrag}:{self.ufrag}"
            request.attributes["PRIORITY"] = 1 << 24
            if self._controls:
                request.attributes["ICE-CONTROLLING"] = 1
                request.attributes["USE-CANDIDATE"] = None
            else:
                request.attributes["ICE-CONTROLLED"] = 1
            request.add_message_integrity(remote.password.encode())
            self._socket.send(bytes(request))
            await asyncio.sleep(CHECK_EVERY_S if self._answered.is_set() else 0.1)

    def _readable(self) -> None:
        receive, on_rtp = self._socket.recv, self._on_rtp
        while True:
            try:
                data = receive(2048)
            except (BlockingIOError, ConnectionError):
                return
            if data and 127 < data[0] < 192 and not 192 <= data[1] <= 223:
                on_rtp(data)
            else:
                self.take(data)

    def take(self, data: bytes) -> None:
        """A report, a handshake record or a check that came."""
        first = data[0] if data else 0
        if 127 < first < 192:
            if self.rx is not None:
                self._on_rtcp(self.rx.unprotect_rtcp(data))
        elif 19 < first < 64:
            self._records.queue.put_nowait(data)
        elif data[:2] == b"\x01\x01":
            self._answered.set()
        elif data[:2] == b"\x00\x01":
            self._answer_check(data)

    def hand_over(self) -> int:
        """Somebody else reads from now on, and gives back with `take` what is no media; the socket's descriptor."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        return self._socket.fileno()

    def _answer_check(self, data: bytes) -> None:
        """Servers that are not lite check us, too."""
        request = stun.parse_message(data)
        answer = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        answer.attributes["XOR-MAPPED-ADDRESS"] = self._socket.getpeername()
        answer.add_message_integrity(self.password.encode())
        self._socket.send(bytes(answer))

    def deafen(self) -> None:
        """Read no more: the kernel throws away what comes, and the server pays for it as before."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send one packet."""
        self._socket.send(self.tx.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Protect and send one report."""
        self._socket.send(self.tx.protect_rtcp(packet))

    async def close(self) -> None:
        """Hang up."""
        self.is_connected = False
        if self._checks is not None:
            self._checks.cancel()
        await self._dtls.stop()
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
