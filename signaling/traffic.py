"""What passed since the start: plain counters that only rise, of the whole engine, of a room, of a person."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import add, attrgetter, sub


@dataclass(slots=True)
class Traffic:
    """ "In" comes from publishers, "out" goes to viewers. Bytes in are whole RTP packets, bytes out their payload.

    Fed once a second from counters the streams keep anyway: what a stream did in its last second
    may be missing. `asked` and `heard` count packets, not messages.
    """

    packets_in: int = 0
    bytes_in: int = 0
    nacks_asked: int = 0  # packets we asked a publisher to send again
    recovered: int = 0  # of them came
    given_up: int = 0  # of them never came
    keyframes_asked: int = 0
    packets_out: int = 0
    bytes_out: int = 0
    nacks_heard: int = 0  # packets viewers asked us to send again
    repairs_sent: int = 0
    keyframes_heard: int = 0  # picture losses viewers reported
    congested: int = 0  # packets dropped because a send buffer was full

    def add(self, other: "Traffic") -> None:
        """Both together, here."""
        (
            self.packets_in, self.bytes_in, self.nacks_asked, self.recovered, self.given_up, self.keyframes_asked,
            self.packets_out, self.bytes_out, self.nacks_heard, self.repairs_sent, self.keyframes_heard,
            self.congested,
        ) = map(add, _counters(self), _counters(other))  # fmt: skip

    def since(self, before: "Traffic") -> "Traffic":
        """What came after `before`; a counter that started anew counts from nothing."""
        grown = tuple(map(sub, _counters(self), _counters(before)))
        if min(grown) < 0:
            pairs = zip(_counters(self), grown, strict=True)
            return Traffic(*(now if more < 0 else more for now, more in pairs))
        return Traffic(*grown)

    def copy(self) -> "Traffic":
        """This moment."""
        return Traffic(*_counters(self))


_counters: Callable[[Traffic], tuple[int, ...]] = attrgetter(*(each.name for each in fields(Traffic)))


@dataclass(slots=True)
class PictureStarts:
    """Dark pictures that began, since the start: `cached` without waiting, `asked` with a request for a key frame."""

    cached: int = 0
    asked: int = 0
