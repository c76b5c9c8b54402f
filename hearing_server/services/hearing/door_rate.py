"""How fast one person's pages may move at a hearing's door."""

from __future__ import annotations

from hearing_server.errors import RateLimited
from hearing_server.kernel import Clock, PersonId
from hearing_server.services.person_rate import PersonRate

# Each page that hides, each grant and the seat behind it is an act in the case's log for ever. A page reports every
# 10 s and when it changes; one that falls out and in asks for a grant every few seconds.
_BURST = 120.0
_PER_S = 1.0


class DoorRate:
    """Counts what one service takes from a person at the door, over all of their devices."""

    def __init__(self, clock: Clock) -> None:
        self._rate = PersonRate(clock, burst=_BURST, per_s=_PER_S)

    def spend(self, person_id: PersonId) -> None:
        """Errors: RateLimited `door.too_fast`."""
        wait_s = self._rate.spend(person_id)
        if wait_s is not None:
            raise RateLimited(
                "door.too_fast",
                zh="操作过于频繁，请稍后再试",
                en="Too many requests at once; please wait a moment",
                retry_after_s=wait_s,
            )
