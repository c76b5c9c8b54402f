"""ICE-lite (RFC 8445 section 2.5): answers authenticated checks, remembers where each peer can be reached.

A remote candidate is never contacted, so there is neither a port scan nor an amplifier in here. An address counts
only after its MESSAGE-INTEGRITY passed; everything else from it is dropped and counted.
"""

import secrets
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from aioice import stun

from signaling.paths.guards import (
    BINDING_REQUEST,
    BINDING_RESPONSE,
    SecondGate,
    claimed_ufrag,
    is_check,
    network_of,
)
from signaling.paths.path_proof import PathProof
from signaling.paths.stun_answer import build_answer
from signaling.residence import ResidenceMeter
from signaling.settings import MediaSettings

MAX_PATHS: Final = 12  # two networks x two families x a few rebinds; the longest unheard is forgotten first
STALE_PATH_NS: Final = 2_000_000_000  # a selected path unheard this long yields to any authenticated one
CLIENT_HELLO: Final = b"\x01"  # the byte behind a DTLS record's head (RFC 6347 section 4.3.2)
STUN_ERRORS: Final = (ValueError, struct.error, IndexError, KeyError, TypeError, AttributeError)

Send = Callable[[Any], object]
MediaHandler = Callable[[bytes, int], None]
MediaTrial = Callable[[bytes, int], bool]


@dataclass(slots=True)
class IngressCounters:
    """What came in and was thrown away, for stats and alarms."""

    empty: int = 0
    stranger: int = 0
    stun_malformed: int = 0
    stun_refused: int = 0
    stun_limited: int = 0
    unknown_kind: int = 0
    stun_answered: int = 0


class NoPathError(OSError):
    """The peer has not been reached yet."""


def _no_path(_data: object) -> object:
    raise NoPathError


class Path:
    """One way to one peer: a UDP address or a TCP connection.

    `send` takes one datagram and raises BlockingIOError when the buffer is full, another OSError when the way broke.
    """

    __slots__ = ("address", "agent", "checks", "descriptor", "heard_ns", "is_proven", "kind", "send")

    def __init__(self, kind: str, address: tuple[Any, ...], send: Send) -> None:
        self.kind = kind
        self.address = address
        self.send = send
        self.agent: IceAgent | None = None
        self.descriptor: int | None = None  # of a socket that reaches this peer alone
        self.heard_ns = 0
        self.checks: SecondGate | None = None  # made when a check was believed
        self.is_proven = kind == "tcp"  # its far end hears us; see `path_proof`

    def select(self) -> None:
        """Called when this becomes the way packets take."""

    def unselect(self) -> None:
        """Called when another way took over; the path still answers checks."""

    def close(self) -> None:
        """Called when the agent forgets the path."""


@dataclass(slots=True)
class Credentials:
    ufrag: str
    password: str


def new_credentials() -> Credentials:
    """RFC 8445 section 5.3: at least 24 bits of ufrag and 128 bits of password; 48 and 192 here."""
    return Credentials(secrets.token_hex(6), secrets.token_hex(24))


@dataclass(slots=True, eq=False)
class IceAgent:
    """The controlled, lite side of one transport."""

    on_media: MediaHandler
    on_dtls: MediaHandler
    on_path: Callable[[Path], None]
    credentials: Credentials = field(default_factory=new_credentials)
    previous: Credentials | None = None
    remote_ufrag: str | None = None
    remote_password: str = ""
    proof: PathProof | None = None  # from when the keys stand: no new path without it
    wanted: Path | None = None  # the peer asked for it, and has yet to prove it
    opens: MediaTrial = lambda packet, now_ns: False  # tries our keys, takes the packet in when they fit
    heard_on: Path | None = None  # the last DTLS record's
    meter: ResidenceMeter | None = None  # set while what comes in here is timed
    line: int = 0  # of the native thread; 0: none
    selected: Path | None = None
    send: Send = _no_path
    heard_ns: int = 0  # any authenticated datagram
    paths: list[Path] = field(default_factory=list)

    def password_of(self, ufrag: str) -> str | None:
        if ufrag == self.credentials.ufrag:
            return self.credentials.password
        if self.previous is not None and ufrag == self.previous.ufrag:
            return self.previous.password
        return None

    def guard(self) -> None:
        """The handshake is through: its last words came from where its first ones had been heard."""
        self.proof = PathProof()
        claimed, heard_on = self.selected, self.heard_on
        if heard_on is None or heard_on.agent is not self:
            return
        heard_on.is_proven = True
        if claimed is not None and not claimed.is_proven:
            self.select(heard_on)
            self.wanted = claimed

    def follow(self, path: Path, now_ns: int) -> None:
        """The peer wants to be reached here: at once before the handshake, afterwards when this proved true."""
        if self.proof is None or path.is_proven:
            self.select(path)
            return
        self.wanted = path
        if self.remote_ufrag is None:
            return  # it has yet to tell its new names
        names = f"{self.remote_ufrag}:{self.credentials.ufrag}"
        question = self.proof.question(path, names, self.remote_password, now_ns)
        if question is not None:
            with suppress(OSError):  # asked again with its next packet
                path.send(question)

    def answered(self, data: bytes, path: Path) -> bool:
        """A STUN response came. True when it proves the path."""
        if self.proof is None or not self.proof.is_answer(data, path, self.remote_password):
            return False
        path.is_proven = True
        if self.wanted is path:
            self.select(path)
        return True

    def select(self, path: Path) -> None:
        """Let packets take this path from now on."""
        self.wanted = None
        if self.selected is path:
            return
        if self.selected is not None:
            self.selected.unselect()
        self.selected = path
        path.select()
        self.send = path.send
        self.on_path(path)

    def drop_path(self, path: Path) -> None:
        """Forget a path (connection closed, too many)."""
        if path in self.paths:
            self.paths.remove(path)
        path.agent = None
        if self.wanted is path:
            self.wanted = None
        if self.heard_on is path:
            self.heard_on = None
        if self.selected is path:
            self.selected = None
            self.send = _no_path
        path.close()


class IceTable:
    """ufrag → agent, and the one place where STUN is judged."""

    def __init__(self, settings: MediaSettings, counters: IngressCounters) -> None:
        self._settings = settings
        self._counters = counters
        self._by_ufrag: dict[str, IceAgent] = {}
        self._unknown = SecondGate(settings.stun_unknown_per_s)
        self._unknown_hosts_ns = 0
        self._unknown_by_host: dict[str, int] = {}  # emptied every second, so bounded by the total budget

    def add(self, agent: IceAgent) -> None:
        while agent.credentials.ufrag in self._by_ufrag:
            agent.credentials = new_credentials()
        self._by_ufrag[agent.credentials.ufrag] = agent

    def restart(self, agent: IceAgent) -> None:
        """Give the agent fresh credentials; the old ones stay valid until the new ones were used."""
        self._retire(agent)
        agent.previous = agent.credentials
        agent.credentials = new_credentials()
        agent.remote_ufrag = None
        self.add(agent)

    def remove(self, agent: IceAgent) -> None:
        self._retire(agent)
        self._by_ufrag.pop(agent.credentials.ufrag, None)
        for path in list(agent.paths):
            agent.drop_path(path)

    def _retire(self, agent: IceAgent) -> None:
        if agent.previous is not None:
            self._by_ufrag.pop(agent.previous.ufrag, None)
            agent.previous = None

    def handle(self, data: bytes, path: Path, now_ns: int) -> bool:
        """Judge one STUN datagram. True when the sender is proven to own the path's agent."""
        if not is_check(data):
            self._counters.stun_malformed += 1
            return False
        kind = data[0] << 8 | data[1]
        if kind == BINDING_RESPONSE and path.agent is not None:
            return path.agent.answered(data, path)
        if kind != BINDING_REQUEST:
            return False  # a keep-alive indication needs no answer
        local = claimed_ufrag(data)
        if local is None:
            self._counters.stun_malformed += 1
            return False
        agent = self._by_ufrag.get(local)
        password = agent.password_of(local) if agent is not None else None
        if agent is None or password is None or (path.agent is not None and path.agent is not agent):
            self._counters.stun_refused += 1  # names nobody: neither parsed nor counted against those who do
            return False
        if not self._within_limits(path, now_ns):
            self._counters.stun_limited += 1
            return False
        message = self._authentic(data, local, agent, password.encode())
        return message is not None and self._accept(message, data, path, agent, local, now_ns)

    def _authentic(self, data: bytes, local: str, agent: IceAgent, key: bytes) -> Any:
        """The parsed check, or None when it is not the agent's peer who sent it."""
        try:
            message = stun.parse_message(data)
            name, _, remote = message.attributes["USERNAME"].partition(":")
        except STUN_ERRORS:
            self._counters.stun_malformed += 1
            return None
        is_new = local == agent.credentials.ufrag and agent.remote_ufrag is not None
        if (
            name != local  # two user names: the one under the signature counts
            or not message.check_message_integrity(key)
            or (is_new and remote != agent.remote_ufrag)
        ):
            self._counters.stun_refused += 1
            return None
        return message

    def _accept(
        self, message: Any, data: bytes, path: Path, agent: IceAgent, local: str, now_ns: int
    ) -> bool:
        password = agent.password_of(local) or ""
        # A lite agent never controls: let the peer change its role.
        is_conflict = "ICE-CONTROLLED" in message.attributes
        error = (487, "Role Conflict") if is_conflict else None
        answer = build_answer(message, path.address, password.encode(), error)
        if len(answer) > len(data):
            # A bare check from a borrowed address: nobody is sent more than he sent.
            self._counters.stun_refused += 1
            return False
        try:
            path.send(answer)
            self._counters.stun_answered += 1
        except OSError:
            pass  # the peer repeats its check
        if is_conflict:
            return False
        agent.heard_ns = path.heard_ns = now_ns
        if path.agent is None:
            self._take(path, agent)
        chosen = agent.selected
        nominated = "USE-CANDIDATE" in message.attributes
        stale = chosen is not None and now_ns - max(chosen.heard_ns, 0) > STALE_PATH_NS
        if chosen is None or nominated or stale:
            agent.follow(path, now_ns)
        if local == agent.credentials.ufrag and nominated:
            self._retire(agent)
        return True

    def agents(self) -> list[IceAgent]:
        """Everybody's; one that changes its names may be there twice."""
        return list(self._by_ufrag.values())

    def adopt(self, path: Path, agent: IceAgent, now_ns: int) -> None:
        """A path on which the agent's peer was heard: ask its far end, see `roaming`."""
        self._take(path, agent)
        path.heard_ns = now_ns
        agent.follow(path, now_ns)

    def _take(self, path: Path, agent: IceAgent) -> None:
        path.checks = SecondGate(self._settings.stun_per_address_per_s)
        path.agent = agent
        agent.paths.append(path)
        self._bound_paths(agent)

    def _bound_paths(self, agent: IceAgent) -> None:
        if len(agent.paths) > MAX_PATHS:
            agent.drop_path(
                min((p for p in agent.paths[:-1] if p is not agent.selected), key=lambda p: p.heard_ns)
            )

    def _within_limits(self, path: Path, now_ns: int) -> bool:
        if path.checks is not None:
            return path.checks.allows(now_ns)
        if not self._unknown.allows(now_ns):
            return False
        if now_ns - self._unknown_hosts_ns >= 1_000_000_000:
            self._unknown_hosts_ns = now_ns
            self._unknown_by_host.clear()
        host = network_of(str(path.address[0]))
        of_host = self._unknown_by_host.get(host, 0) + 1
        self._unknown_by_host[host] = of_host
        return of_host <= self._settings.stun_unknown_per_host_per_s


class Ingress:
    """Sorts datagrams by their first byte (RFC 7983) and hands them to the agent that owns the path."""

    def __init__(self, table: IceTable, counters: IngressCounters) -> None:
        self.table = table
        self.counters = counters

    def refuse(self, data: bytes) -> None:
        """Count a datagram that cannot be from anybody we know."""
        if data:
            self.counters.stranger += 1
        else:
            self.counters.empty += 1

    def deliver(self, path: Path, data: bytes) -> None:
        """`datagram` for whoever knows the path beforehand."""
        self.datagram(data, path)

    def datagram(self, data: bytes, path: Path) -> None:
        """One datagram from a path, known or not. Never raises on what a peer sent."""
        if not data:
            self.counters.empty += 1
            return
        first = data[0]
        agent = path.agent
        if first < 4:
            self.table.handle(data, path, time.monotonic_ns())
        elif agent is None:
            self.counters.stranger += 1
        elif 127 < first < 192:
            now_ns = time.monotonic_ns()
            path.heard_ns = now_ns
            if agent.wanted is path:
                agent.follow(path, now_ns)  # the question or its answer was lost
            agent.on_media(data, now_ns)
        elif 19 < first < 64:
            agent.heard_on = path
            if (
                agent.proof is None
                and agent.selected is not path
                and first == 22
                and data[13:14] == CLIENT_HELLO
            ):
                agent.select(
                    path
                )  # a reloaded page begins anew: the answer belongs here, not to the page before
            agent.on_dtls(data, time.monotonic_ns())
        else:
            self.counters.unknown_kind += 1
