"""How fast one person may do something: a token bucket per person, in this process."""

from __future__ import annotations

from hearing_server.kernel import Clock, PersonId

# Beyond so many people the oldest buckets, which are full again, are forgotten.
_KEPT = 10_000


class PersonRate:
    """`burst` at once, `per_s` a second in the long run."""

    def __init__(self, clock: Clock, *, burst: float, per_s: float) -> None:
        self._clock = clock
        self._burst = burst
        self._per_s = per_s
        self._buckets: dict[PersonId, tuple[float, float]] = {}

    def spend(self, person_id: PersonId) -> float | None:
        """Count one; None when it may be done, else how long to wait, seconds."""
        now = self._clock.monotonic_s()
        left, at = self._buckets.pop(person_id, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        if left < 1:
            self._buckets[person_id] = (left, now)
            return (1 - left) / self._per_s
        self._buckets[person_id] = (left - 1, now)
        while len(self._buckets) > _KEPT:
            del self._buckets[next(iter(self._buckets))]
        return None
