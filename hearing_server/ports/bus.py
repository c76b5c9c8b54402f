"""Doorbells: after a commit, tell whoever listens that something changed. Never the only copy of anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Doorbell:
    """`kind` says what changed (`lane_appended`, `hearing_changed`, …), `key` its id, `note` a few small words.

    The listener reads the truth from the database. At most 8 KiB on the wire.
    """

    kind: str
    key: str
    note: tuple[tuple[str, str], ...] = ()

    def word(self, name: str) -> str | None:
        """One word of the note."""
        return dict(self.note).get(name)


# Rung by the bus itself, in one process: bells of any kind may have been missed, so look into the database.
BELLS_LOST = Doorbell("bells_lost", "")

Listener = Callable[[Doorbell], Awaitable[None]]


class EventBus(Protocol):
    """In memory for one process, Redis for several. Losing a doorbell costs latency, never data."""

    async def publish(self, bell: Doorbell) -> None:
        """Ring in every process. Never raises for a lost connection: it counts and logs."""
        ...

    def subscribe(self, kind: str, listener: Listener) -> Callable[[], None]:
        """Call `listener` for each bell of `kind`; the answer ends the subscription."""
        ...
