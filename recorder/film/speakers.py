"""Who holds the floor, from the voices themselves: calm, at most one change in four seconds.

Decided on a fixed lattice of hearing time from what was heard just before, so that a section of the film decides as
the whole film would.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

NS_PER_S = 1_000_000_000
# Shorter than this a change of the large picture is flicker (a "yes" from the other side).
TURN_NS = 4 * NS_PER_S
# Heard for less than this in the last turn, nobody takes the floor.
HEARD_TICKS = 25
# Who holds the floor keeps it unless another was heard half as much again.
KEEPS_SHARE = 1.5
# Decisions this far back have no effect any more: a floor is kept only by being heard.
MEMORY_TURNS = 2


@dataclass(frozen=True, slots=True)
class Turn:
    """From `from_ns` on `identity` holds the floor; None: nobody was heard."""

    from_ns: int
    identity: str | None


@dataclass(frozen=True, slots=True)
class SpeakerPlan:
    """Turns in order."""

    turns: tuple[Turn, ...]

    def at(self, at_ns: int) -> str | None:
        """Who holds the floor at a moment."""
        index = bisect_right(self.turns, at_ns, key=lambda turn: turn.from_ns) - 1
        return self.turns[index].identity if index >= 0 else None


def plan_speakers(
    heard: Mapping[str, list[int]], from_ns: int, until_ns: int, *, listens_to: frozenset[str]
) -> SpeakerPlan:
    """Turns for a stretch. `heard`: by identity the hearing times (ns) of film frames in which the voice was heard.

    `listens_to`: identities that may take the floor (those that preside always have a large picture).
    """
    ordered = {identity: sorted(moments) for identity, moments in heard.items() if identity in listens_to}
    first = from_ns // TURN_NS - MEMORY_TURNS
    turns: list[Turn] = []
    holder: str | None = None
    for number in range(first, until_ns // TURN_NS + 1):
        at_ns = number * TURN_NS
        counts = {
            identity: bisect_right(moments, at_ns) - bisect_right(moments, at_ns - TURN_NS)
            for identity, moments in ordered.items()
        }
        loudest = max(sorted(counts), key=lambda identity: counts[identity], default=None)
        if loudest is not None and counts[loudest] >= HEARD_TICKS:
            kept = counts.get(holder, 0) if holder is not None else 0
            if counts[loudest] > kept * KEEPS_SHARE:
                holder = loudest
        if not turns or turns[-1].identity != holder:
            turns.append(Turn(at_ns, holder))
    return SpeakerPlan(tuple(turns))
