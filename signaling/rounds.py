"""When viewers' layers are chosen anew: all at once after a change, else in turns, a few every 20 ms.

Choosing costs a good part of a millisecond per viewer: a full room at one go would hold up every packet of its process.
"""

from collections.abc import Mapping
from typing import Final

from signaling.participant import Participant
from signaling.room_demand import RoomDemand

ROUND_MS: Final = 500.0  # as often as rates are measured anew


class Rounds:
    """One per room. `is_stale` asks for everybody at the next tick."""

    def __init__(self, participants: Mapping[str, Participant], demand: RoomDemand) -> None:
        self.is_stale = False
        self._participants = participants
        self._demand = demand
        self._next = 0
        self._credit = 0.0
        self._ticked_ms = 0.0

    def everybody(self, now_ms: float) -> None:
        """Choose for all, and tell publishers what is wanted now."""
        self.is_stale = False
        for is_again in (False, True):
            for participant in self._participants.values():
                if participant.viewer is not None:
                    participant.viewer.choose_layers(now_ms)
            if is_again or not self._demand.review(now_ms):
                return  # once more when layers were asked for just now: they can be waited for

    def tick(self, now_ms: float) -> None:
        """Every 20 ms: everybody after a change, else whose turn it is."""
        elapsed_ms, self._ticked_ms = now_ms - self._ticked_ms, now_ms
        if self.is_stale:
            self.everybody(now_ms)
            return
        viewers = [each.viewer for each in self._participants.values() if each.viewer is not None]
        self._credit += max(len(viewers), 1) * min(elapsed_ms / ROUND_MS, 1.0)
        while self._credit >= 1.0:
            self._credit -= 1.0
            if self._next < len(viewers):
                viewers[self._next].choose_layers(now_ms)
            self._next += 1
            if self._next >= len(viewers):
                self._next = 0
                self.is_stale |= self._demand.review(now_ms)
