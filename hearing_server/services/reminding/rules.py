"""What a court decided about its reminders, read from its profile once and checked when the server starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hearing_server.domain.reminding.grounds import (
    DEFAULT_LADDER,
    GENERAL,
    Ground,
    grounds_from_mapping,
    ladder_from_mapping,
)
from hearing_server.domain.reminding.quiet_hours import NEVER_QUIET, QuietHours, quiet_from_mapping
from hearing_server.errors import Invalid
from hearing_server.filing.courts import CourtProfile
from hearing_server.ports.documents import DocumentSource

_KEYS = frozenset({"ground", "quiet_from", "quiet_until", "quiet_channels", "holidays", "holiday_channels"})


@dataclass(frozen=True, slots=True)
class ReminderRules:
    """Grounds by code, quiet hours, sources of documents by kind, and how a page of ours is written as an address."""

    grounds: Mapping[str, Ground] = field(default_factory=lambda: {GENERAL.code: GENERAL})
    quiet: QuietHours = NEVER_QUIET
    documents: Mapping[str, DocumentSource] = field(default_factory=dict)
    address: Callable[[str], str] = str

    def ground(self, code: str) -> Ground:
        """Errors: Invalid `reminder.ground`."""
        found = self.grounds.get(code)
        if found is None:
            raise Invalid(
                "reminder.ground",
                zh=f"提醒事由“{code}”配置有误",
                en=f"The court's reminder ground {code} is wrong or unknown",
            )
        return found


def rules_of(
    profile: CourtProfile, documents: Mapping[str, DocumentSource], address: Callable[[str], str] = str
) -> ReminderRules:
    """Errors: Invalid `reminder.ground`, `.ladder`, `.quiet_hours`: a court with wrong data doesn't start."""
    data = profile.reminding
    unknown = sorted(set(data) - _KEYS)
    rows = data.get("ground", [])
    if unknown or not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise Invalid(
            "court.profile",
            zh=f"法院配置项“reminding.{(unknown or ['ground'])[0]}”缺失或有误",
            en=f"The court's setting reminding.{(unknown or ['ground'])[0]} is missing or wrong",
        )
    ladder = ladder_from_mapping(profile.reminder_ladder) if profile.reminder_ladder else DEFAULT_LADDER
    return ReminderRules(
        grounds_from_mapping(rows, general_ladder=ladder),
        quiet_from_mapping(data, profile.time_zone),
        documents,
        address,
    )
