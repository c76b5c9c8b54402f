"""Targets in front of SRTP: what anybody on the network can send to the UDP and the TCP port."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from random import Random
from typing import Any, Final, cast

from signaling.paths.guards import STUN_HEADER_BYTES
from signaling.paths.ice import Credentials, IceAgent, IceTable, Ingress, IngressCounters, Path
from signaling.paths.ice_tcp import MAX_FRAME_BYTES, TcpPort, _Connection
from signaling.settings import MediaSettings
from tests.fuzz.corpus import hex_lines
from tests.fuzz.mutator import byte_mutator
from tests.fuzz.runner import Check, Target

DATAGRAMS: Final = hex_lines("datagram")
UFRAG: Final = "fuzzedufrag1"
KEY: Final = b"p" * 48
_WITHOUT_LIMITS: Final = MediaSettings(
    announced_addresses=("192.0.2.1",),
    grant_keys=(b"k" * 32,),
    stun_unknown_per_s=1 << 40,
    stun_unknown_per_host_per_s=1 << 40,
    stun_per_address_per_s=1 << 40,
)
_INTEGRITY: Final = b"\x00\x08\x00\x14"


def sign(chance: Random, data: bytearray) -> None:
    """Repair lengths and signatures in some, so that the rest of the message is read at all."""
    luck = chance.random()
    if luck > 0.5 or len(data) < STUN_HEADER_BYTES or data[0] > 3:
        return
    del data[1024:]
    if luck < 0.1:
        at = data.find(_INTEGRITY)
        if at >= STUN_HEADER_BYTES:
            del data[at:]
        data += bytes(-len(data) % 4)
        data[2:4] = (len(data) - STUN_HEADER_BYTES + 24).to_bytes(2, "big")
        data += _INTEGRITY + hmac.digest(KEY, bytes(data), "sha1")
    else:
        data += bytes(-len(data) % 4)
        data[2:4] = (len(data) - STUN_HEADER_BYTES).to_bytes(2, "big")


def is_signed(data: bytes) -> bool:
    """Our own reading of RFC 8489 14.5, apart from the library's: some integrity attribute holds under the key."""
    at = STUN_HEADER_BYTES
    while at + 24 <= len(data):
        if data[at : at + 4] == _INTEGRITY:
            covered = data[:2] + (at + 24 - STUN_HEADER_BYTES).to_bytes(2, "big") + data[4:at]
            if hmac.new(KEY, covered, hashlib.sha1).digest() == data[at + 4 : at + 24]:
                return True
        at += 4
    return False


class Port:
    """A table with one agent, and paths of strangers and of the peer."""

    def __init__(self) -> None:
        self.counters = IngressCounters()
        self.table = IceTable(_WITHOUT_LIMITS, self.counters)
        self.ingress = Ingress(self.table, self.counters)
        self.sent: list[bytes] = []
        self.heard = 0
        self.agent = IceAgent(
            on_media=lambda data, now_ns: self._hear(),
            on_dtls=lambda data, now_ns: self._hear(),
            on_path=lambda path: None,
            credentials=Credentials(UFRAG, KEY.decode()),
        )
        self.table.add(self.agent)
        self.agent.remote_ufrag = "peer"
        self.proven = self.path("2001:db8::1", 1)
        self.proven.agent = self.agent
        self.agent.paths.append(self.proven)

    def _hear(self) -> None:
        self.heard += 1

    def path(self, host: str, port: int) -> Path:
        return Path("udp", (host, port), self.sent.append)


def _fresh_datagram() -> Check:
    port, turn = Port(), 0

    def check(data: bytes) -> bool:
        nonlocal turn
        turn += 1
        path = (
            port.proven if turn % 3 == 0 else port.path("192.0.2.9" if turn % 3 == 1 else "2001:db8::9", turn)
        )
        before, answers = port.heard, len(port.sent)
        was_known = path.agent is not None
        port.ingress.datagram(data, path)
        answered = port.sent[answers:]
        assert sum(len(each) for each in answered) <= len(data), "more went back than came"
        assert len(answered) <= 1
        if answered:
            assert is_signed(data), "an unsigned check was answered"
        if port.heard > before:
            assert was_known, "a stranger was heard"
        assert len(port.agent.paths) <= 13
        assert (path.agent is None) or (path in port.agent.paths)
        return bool(answered) or port.heard > before

    return check


class Stream:
    """A TCP connection as asyncio gives it, without a network."""

    def __init__(self) -> None:
        self.aborted = False
        self.written = 0

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        return "192.0.2.9", 4000

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        self.written += len(data)

    def abort(self) -> None:
        self.aborted = True


class _Soon:
    """A loop whose timers never come."""

    def time(self) -> float:
        return 0.0

    def call_later(self, _delay_s: float, _callback: Any) -> _Soon:
        return self

    def cancel(self) -> None:
        return


def _fresh_tcp() -> Check:
    port = Port()
    listener = TcpPort(_WITHOUT_LIMITS, port.ingress)
    loop = cast(asyncio.AbstractEventLoop, _Soon())

    def check(data: bytes) -> bool:
        asyncio._set_running_loop(loop)
        try:
            return _converse(listener, data)
        finally:
            asyncio._set_running_loop(None)

    return check


def _converse(listener: TcpPort, data: bytes) -> bool:
    stream, connection = Stream(), _Connection(listener)
    connection.connection_made(cast(asyncio.Transport, stream))
    cut = data[0] if data else 0
    answered = 0
    for piece in (data[:cut], data[cut:]):
        if not stream.aborted:
            connection.data_received(piece)
        assert len(connection._buffer) <= MAX_FRAME_BYTES + 2 + len(data)
    answered = stream.written
    assert answered <= len(data), "more went back than came"
    connection.connection_lost(None)
    assert not listener._connections
    assert not listener._unproven
    assert not listener._per_host
    return answered > 0


def frame(chance: Random, data: bytearray) -> None:
    """Whole frames with right lengths in most."""
    sign(chance, data)
    if chance.random() < 0.8:
        data[:0] = len(data).to_bytes(2, "big")


TARGETS: Final = [
    Target(
        "datagram", _fresh_datagram, byte_mutator(DATAGRAMS, finish=sign), "datagram", DATAGRAMS, 150_000, 0.1
    ),
    Target("tcp", _fresh_tcp, byte_mutator(DATAGRAMS, finish=frame), "datagram", DATAGRAMS, 40_000, 0.01),
]
