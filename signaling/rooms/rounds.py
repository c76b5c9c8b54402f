"""When viewers' layers are chosen anew: whom a change concerns at the next tick, the others in turns.

Choosing costs a good part of a millisecond per viewer: a full room at one go, for each of the wishes a page has when it
lays itself out, would hold up every packet of its process.
"""

from collections.abc import Callable, Mapping
from typing import Final

from signaling.rooms.participant import Participant
from signaling.rooms.room_demand import RoomDemand
from signaling.watching.viewer import Viewer

ROUND_MS: Final = (
    1000.0  # as often as rates are measured anew; a growing queue and any change do not wait for it
)


class Rounds:
    """One per room. `is_stale` asks for everybody at the next tick; `wake` makes that come soon."""

    def __init__(
        self,
        participants: Mapping[str, Participant],
        demand: RoomDemand,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._is_stale = False
        self._wake = wake
        self._participants = participants
        self._demand = demand
        self._soon: set[Viewer] = set()
        self._next = 0
        self._credit = 0.0
        self._ticked_ms = 0.0

    @property
    def is_stale(self) -> bool:
        """Something changed for everybody."""
        return self._is_stale

    @is_stale.setter
    def is_stale(self, value: bool) -> None:
        self._is_stale = value
        if value:
            self._wake()

    @property
    def are_due(self) -> bool:
        """The next step has somebody to choose for, out of turn."""
        return self._is_stale or bool(self._soon)

    def soon(self, viewer: Viewer) -> None:
        """Something changed for this viewer alone."""
        self._soon.add(viewer)
        self._wake()

    def everybody(self, now_ms: float) -> None:
        """Choose for all, and tell publishers what is wanted now."""
        self.is_stale = False
        self._choose(self._viewers(), now_ms)

    def _viewers(self) -> list[Viewer]:
        return [each.viewer for each in self._participants.values() if each.viewer is not None]

    def _choose(self, viewers: list[Viewer], now_ms: float) -> None:
        self._soon.difference_update(viewers)
        for viewer in viewers:
            viewer.choose_layers(now_ms)
        if self._demand.review(now_ms):
            for viewer in viewers:  # once more: layers that were asked for just now can be waited for
                viewer.choose_layers(now_ms)

    def tick(self, now_ms: float) -> None:
        """Each step of the clock: all after a change in the room, those with one of their own, whose turn it is."""
        elapsed_ms, self._ticked_ms = now_ms - self._ticked_ms, now_ms
        if self.is_stale:
            self.everybody(now_ms)
            return
        viewers = self._viewers()
        if self._soon:
            self._choose([viewer for viewer in viewers if viewer in self._soon], now_ms)
            self._soon.clear()
        self._credit += max(len(viewers), 1) * min(elapsed_ms / ROUND_MS, 1.0)
        while self._credit >= 1.0:
            self._credit -= 1.0
            if self._next < len(viewers):
                viewers[self._next].choose_layers(now_ms)
            self._next += 1
            if self._next >= len(viewers):
                self._next = 0
                self.is_stale |= self._demand.review(now_ms)
