"""Time stamps of checkpoints: a wish is a row, asked for until an authority answers with a stamp that verifies."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from hearing_server.errors import HearingError
from hearing_server.kernel import Clock
from hearing_server.ports.act_log import TimeStamp, TimeStampAuthority
from hearing_server.ports.units import Units
from hearing_server.services.trust.checkpoints import Vouching

_log = logging.getLogger(__name__)
# Longer than an authority takes; whoever died with a wish in hand leaves it to the next after this.
_LEASE = timedelta(seconds=60)
_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=30)
_AT_A_TIME = 4


@dataclass(slots=True)
class TimeStamps:
    """`stamp_due` is a job of one process. `every_s`: how old a stamp may be while the log grows."""

    units: Units
    clock: Clock
    authority: TimeStampAuthority | None
    every_s: float
    _status: Vouching | None = None

    async def stamp_due(self) -> int:
        """Wish for a stamp on the newest checkpoint when it is time, and ask for those that are due; how many came."""
        if self.authority is None:
            return 0
        now = self.clock.utc_now()
        async with self.units.read() as unit:
            head = await unit.log.newest_checkpoint()
            last = await unit.log.newest_time_stamp()
        if head is not None and self._is_time(head.size, last):
            async with self.units.write() as unit:
                await unit.log.wish_time_stamp(head.size, now)
        elif last is None or last.state != "queued":
            return 0
        async with self.units.write() as unit:
            due = await unit.log.due_time_stamps(now, now + _LEASE, _AT_A_TIME)
        return sum([await self._ask(self.authority, wish) for wish in due])

    def status(self) -> Vouching | None:
        """None without an authority in the settings."""
        return (self._status or Vouching("time_stamps")) if self.authority is not None else None

    def _is_time(self, size: int, last: TimeStamp | None) -> bool:
        """Not beside a wish that is still open: what is stamped later covers what was before."""
        if last is None:
            return True
        age = self.clock.utc_now() - last.asked_at
        return last.state == "stamped" and size > last.size and age >= timedelta(seconds=self.every_s)

    async def _ask(self, authority: TimeStampAuthority, wish: TimeStamp) -> bool:
        async with self.units.read() as unit:
            head = await unit.log.checkpoint(wish.size)
        assert head is not None
        now, status = self.clock.utc_now(), self._status or Vouching("time_stamps")
        text = head.note.partition("\n\n")[0] + "\n"
        try:
            stamped = await authority.stamp(text.encode())
        except HearingError as error:
            wait = min(_FIRST_RETRY * 2 ** min(wish.tries - 1, 10), _LONGEST_RETRY)
            settled = replace(wish, next_at=now + wait, result=error.code)
            if error.code != status.code:
                _log.warning("no time stamp", extra={"code": error.code})
            self._status = status.ill(error.code, now)
        else:
            settled = replace(
                wish, state="stamped", next_at=None, at=stamped.at, token=stamped.token, result=""
            )
            self._status = status.well(key="", size=wish.size, at=now)
        async with self.units.write() as unit:
            await unit.log.save_time_stamp(settled)
        return settled.state == "stamped"
