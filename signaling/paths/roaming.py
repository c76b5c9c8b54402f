"""Whose media come from an address nobody has named? A phone whose NAT gave it another port says nothing of it.

Browsers check the pair in use every 2.5 s only, so without this a changed port is found out seconds later. Media tell
at once: a packet that opens with a silent transport's keys is its peer's, whatever its source address claims, and the
new address is then asked (`path_proof`) before anything goes there. It is safe: whoever has not the keys gets no
answer, a packet that is played again does not open a second time, one question is all that a good one brings, and media
move only after the answer. It is cheap: few packets a second are looked at, few keys tried, only those of transports
that fell silent. A flood of strangers uses the budget up; then a change is found by the next check, as without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from signaling.paths.guards import SecondGate, network_of
from signaling.paths.ice import IceAgent

SILENT_NS: Final = (
    200_000_000  # voices come every 20 ms, feedback every 100: somebody heard lately has not moved
)
PACKETS_PER_S: Final = 200  # of strangers' media that are looked at, of everybody together
PACKETS_PER_NETWORK: Final = (
    50  # a court's own network may move as a whole; each phone sends this in a second
)
TRIES_PER_S: Final = 1000  # some 5 µs each: half a percent of a core under a flood


class Roaming:
    """Finds the owner of stray media. Overflow policy: what is beyond a budget is not looked at."""

    __slots__ = ("_by_network", "_packets", "_tries", "_window_ns")

    def __init__(self) -> None:
        self._packets = SecondGate(PACKETS_PER_S)
        self._tries = SecondGate(TRIES_PER_S)
        self._window_ns = 0
        self._by_network: dict[str, int] = {}  # emptied every second, so bounded by PACKETS_PER_S

    def owner_of(
        self, packet: bytes, host: str, agents: Callable[[], Iterable[IceAgent]], now_ns: int
    ) -> IceAgent | None:
        """The silent agent whose keys open this packet; it has taken the packet in then."""
        if not self._packets.allows(now_ns) or not self._is_within_network(host, now_ns):
            return None
        for agent in agents():
            selected = agent.selected
            if (
                agent.proof is None  # no keys yet, or addresses are believed
                or agent.remote_ufrag is None
                or selected is None
                or selected.kind != "udp"
                or now_ns - selected.heard_ns < SILENT_NS
            ):
                continue
            if not self._tries.allows(now_ns):
                return None
            if agent.opens(packet, now_ns):
                return agent
        return None

    def _is_within_network(self, host: str, now_ns: int) -> bool:
        if now_ns - self._window_ns >= 1_000_000_000:
            self._window_ns = now_ns
            self._by_network.clear()
        network = network_of(host)
        seen = self._by_network.get(network, 0) + 1
        self._by_network[network] = seen
        return seen <= PACKETS_PER_NETWORK
