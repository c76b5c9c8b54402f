"""Quiet hours and holidays: when a channel that rings may ring. A judge's "urgent" lies above them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NoReturn

from hearing_server.domain.reminding.channels import OUTSIDE_CHANNELS, Channel
from hearing_server.errors import Invalid

# The longest run of holidays in a year has nine days; a court that enters more has mistyped a year.
_MAX_DAYS_AHEAD = 31


@dataclass(frozen=True, slots=True)
class QuietHours:
    """`begins` to `ends` by the court's clock, over midnight when it begins later than it ends; equal: none.

    `channels` rest in these hours, `holiday_channels` on the whole day of a holiday.
    """

    zone: tzinfo = UTC
    begins: time = time(0)
    ends: time = time(0)
    channels: frozenset[Channel] = frozenset()
    holidays: frozenset[date] = frozenset()
    holiday_channels: frozenset[Channel] = frozenset()

    def earliest(self, at: datetime, channel: Channel) -> datetime:
        """`at` when the channel may be used then, else the first moment after it when it may."""
        moment = at
        for _ in range(_MAX_DAYS_AHEAD * 2):
            later = self._after_pause(moment, channel)
            if later == moment:
                return moment
            moment = later
        return moment

    def _after_pause(self, at: datetime, channel: Channel) -> datetime:
        there = at.astimezone(self.zone)
        if channel in self.holiday_channels and there.date() in self.holidays:
            return self._local(there.date() + timedelta(days=1), time(0))
        if channel not in self.channels or self.begins == self.ends:
            return at
        now = there.time()
        if self.begins < self.ends:
            return self._local(there.date(), self.ends) if self.begins <= now < self.ends else at
        if now >= self.begins:
            return self._local(there.date() + timedelta(days=1), self.ends)
        return self._local(there.date(), self.ends) if now < self.ends else at

    def _local(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)


NEVER_QUIET = QuietHours()
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def quiet_from_mapping(data: Mapping[str, object], zone: tzinfo) -> QuietHours:
    """From the court's `[reminding]`. Errors: Invalid `reminder.quiet_hours`, which names the key."""
    return QuietHours(
        zone=zone,
        begins=_clock(data, "quiet_from"),
        ends=_clock(data, "quiet_until"),
        channels=_channels(data, "quiet_channels"),
        holidays=frozenset(_days(data)),
        holiday_channels=_channels(data, "holiday_channels"),
    )


def _clock(data: Mapping[str, object], key: str) -> time:
    text = data.get(key, "00:00")
    if not isinstance(text, str) or not _CLOCK.fullmatch(text):
        _wrong(key)
    return time.fromisoformat(text)


def _days(data: Mapping[str, object]) -> list[date]:
    rows = data.get("holidays", [])
    if not isinstance(rows, list):
        _wrong("holidays")
    try:
        # TOML has dates of its own; text is taken too.
        return [row if type(row) is date else date.fromisoformat(str(row)) for row in rows]
    except ValueError:
        _wrong("holidays")


def _channels(data: Mapping[str, object], key: str) -> frozenset[Channel]:
    rows = data.get(key, [])
    if not isinstance(rows, list) or not all(row in OUTSIDE_CHANNELS for row in rows):
        _wrong(key)
    return frozenset(Channel(row) for row in rows)


def _wrong(key: str) -> NoReturn:
    raise Invalid(
        "reminder.quiet_hours",
        zh=f"提醒的免打扰设置“{key}”有误",
        en=f"The court's setting reminding.{key} is wrong",
    )
