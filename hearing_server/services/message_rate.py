"""How fast one person may write: a token bucket per person, in this process."""

from __future__ import annotations

from hearing_server.errors import RateLimited
from hearing_server.kernel import Clock, PersonId

# 20 messages in 10 s, 30 at once: nobody types faster, and an outbox that comes back online may empty itself.
_BURST = 30.0
_PER_S = 2.0
# Beyond so many people the oldest buckets, which are full again, are forgotten.
_KEPT = 10_000


class MessageRate:
    """Counts messages that are new; a repeat under the same client id costs as much, which no honest client feels."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[PersonId, tuple[float, float]] = {}

    def spend(self, person_id: PersonId) -> None:
        """Errors: RateLimited `message.too_fast`."""
        now = self._clock.monotonic_s()
        left, at = self._buckets.pop(person_id, (_BURST, now))
        left = min(_BURST, left + (now - at) * _PER_S)
        if left < 1:
            self._buckets[person_id] = (left, now)
            raise RateLimited(
                "message.too_fast",
                zh="发送过于频繁，请稍后再试",
                en="Too many messages at once; please wait a moment",
                retry_after_s=(1 - left) / _PER_S,
            )
        self._buckets[person_id] = (left - 1, now)
        while len(self._buckets) > _KEPT:
            del self._buckets[next(iter(self._buckets))]
