"""How fast one person may write."""

from __future__ import annotations

from hearing_server.errors import RateLimited
from hearing_server.kernel import Clock, PersonId
from hearing_server.services.person_rate import PersonRate

# 20 messages in 10 s, 30 at once: nobody types faster, and an outbox that comes back online may empty itself.
_BURST = 30.0
_PER_S = 2.0


class MessageRate:
    """Counts messages that are new; a repeat under the same client id costs as much, which no honest client feels."""

    def __init__(self, clock: Clock) -> None:
        self._rate = PersonRate(clock, burst=_BURST, per_s=_PER_S)

    def spend(self, person_id: PersonId) -> None:
        """Errors: RateLimited `message.too_fast`."""
        wait_s = self._rate.spend(person_id)
        if wait_s is not None:
            raise RateLimited(
                "message.too_fast",
                zh="发送过于频繁，请稍后再试",
                en="Too many messages at once; please wait a moment",
                retry_after_s=wait_s,
            )
