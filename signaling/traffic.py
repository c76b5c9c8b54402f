"""What passed since the start: plain counters that only rise, of the whole engine, of a room, of a person."""

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Traffic:
    """ "In" comes from publishers, "out" goes to viewers. Bytes in are whole RTP packets, bytes out their payload.

    Fed twice a second from counters the streams keep anyway: what a stream did in the half second before it ended
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
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def since(self, before: "Traffic") -> "Traffic":
        """What came after `before`; a counter that started anew counts from nothing."""
        return Traffic(
            **{
                each.name: now if (now := getattr(self, each.name)) < (then := getattr(before, each.name))
                else now - then
                for each in fields(self)
            }
        )  # fmt: skip

    def copy(self) -> "Traffic":
        """This moment."""
        return Traffic(**{each.name: getattr(self, each.name) for each in fields(self)})
