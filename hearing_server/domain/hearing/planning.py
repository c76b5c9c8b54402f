"""排期 and 改期: a hearing gets its time, and another one as long as it hasn't begun.

Source: 民事诉讼法 art 139 (three days' notice; whether the time left is enough is the court's to judge).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from hearing_server.domain.hearing.hearings import (
    Change,
    Hearing,
    HearingFact,
    HearingFactKind,
    HearingState,
    changed,
    wrong_state,
)
from hearing_server.domain.hearing.participants import participant_of
from hearing_server.errors import Conflict, Invalid
from hearing_server.filing.cases import Case
from hearing_server.kernel import HearingId, to_wire

MIN_DURATION_MIN, MAX_DURATION_MIN = 5, 24 * 60
MAX_TITLE_CHARS = 100


def schedule(
    case: Case, *, hearing_id: HearingId, title: str, starts_at: datetime, duration_min: int, now: datetime
) -> Change:
    """A new hearing with everybody on the case.

    Errors: Invalid `hearing.title`, `hearing.starts_at`, `hearing.duration`; Conflict `hearing.no_judge`.
    """
    title = title.strip()
    if not title or len(title) > MAX_TITLE_CHARS:
        raise Invalid(
            "hearing.title",
            zh=f"庭审名称应为 1 至 {MAX_TITLE_CHARS} 字",
            en="The title must have 1 to 100 characters",
        )
    _check_times(starts_at, duration_min, now)
    if case.judge is None:
        raise Conflict("hearing.no_judge", zh="案件尚未确定承办法官", en="The case has no judge yet")
    people = tuple(participant_of(member) for member in case.members())
    hearing = Hearing(hearing_id, case.id, title, starts_at, duration_min, HearingState.SCHEDULED, 1, people)
    return hearing, (HearingFact(HearingFactKind.SCHEDULED, hearing_id, now),)


def move(hearing: Hearing, *, at: datetime, starts_at: datetime, duration_min: int) -> Change:
    """改期, before opening only; who is in the lobby waits there for the new time.

    Errors: Conflict `hearing.already_opened`; Invalid `hearing.starts_at`, `hearing.duration`.
    """
    if hearing.state not in (HearingState.SCHEDULED, HearingState.LOBBY):
        raise wrong_state(hearing, "hearing.already_opened", "排期或候场", "the schedule or the lobby")
    _check_times(starts_at, duration_min, at)
    if (starts_at, duration_min) == (hearing.starts_at, hearing.duration_min):
        return hearing, ()
    return changed(
        hearing, HearingFactKind.MOVED, at,
        note=to_wire(starts_at), starts_at=starts_at, duration_min=duration_min,
    )  # fmt: skip


def _check_times(starts_at: datetime, duration_min: int, now: datetime) -> None:
    if not MIN_DURATION_MIN <= duration_min <= MAX_DURATION_MIN:
        raise Invalid(
            "hearing.duration",
            zh="庭审时长应在 5 分钟至 24 小时之间",
            en="The duration must lie between 5 minutes and 24 hours",
        )
    if starts_at.tzinfo is None or starts_at + timedelta(minutes=duration_min) < now:
        raise Invalid("hearing.starts_at", zh="开庭时间已过", en="The time of the hearing has passed")
