"""The ladder of one obligation: which step is due, when the next one is, when it is over.

A step is taken once, whatever came of it; quiet hours move a step that rings, never the page's own sheet, and never
past the end. When everything tried outside the page has failed, the next level doesn't wait for its time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hearing_server.domain.reminding.channels import OUTSIDE_CHANNELS, AttemptState
from hearing_server.domain.reminding.grounds import MANUAL_LEVEL, LadderStep
from hearing_server.domain.reminding.quiet_hours import NEVER_QUIET, QuietHours
from hearing_server.domain.reminding.reminders import Obligation, Reminder


@dataclass(frozen=True, slots=True)
class Attempt:
    """Do this now. `dedup_key` is the same however often the step is computed."""

    step: LadderStep
    dedup_key: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Expire:
    """The time is over: end it and call a clerk."""


Next = Attempt | Wait | Expire | None


def next_step(
    reminder: Reminder, obligation: Obligation, now: datetime, quiet: QuietHours = NEVER_QUIET
) -> Next:
    """What the ladder wants now; None when the obligation has ended."""
    if not obligation.is_open:
        return None
    if now >= reminder.expires_at:
        return Expire()
    tried = {(attempt.level, attempt.channel) for attempt in obligation.attempts}
    left = [step for step in reminder.ladder if (step.level, step.channel) not in tried]
    if not left:
        return Wait(reminder.expires_at)
    hurried = _first_level_left(left) if _has_failed_outside(obligation) else None
    times = [(_due(reminder, obligation, step, now, quiet, hurried), step) for step in left]
    ready = [step for due, step in times if due <= now]
    if not ready:
        return Wait(min(reminder.expires_at, *(due for due, _ in times)))
    # After hours of standing still the lower levels come first, as they would have.
    step = min(ready, key=lambda one: (one.after_s, one.level))
    return Attempt(step, step_key(obligation, step))


def step_key(obligation: Obligation, step: LadderStep) -> str:
    """`obl_…:level:channel`: one send for each, ever."""
    return f"{obligation.id}:{step.level}:{step.channel}"


def _due(
    reminder: Reminder,
    obligation: Obligation,
    step: LadderStep,
    now: datetime,
    quiet: QuietHours,
    hurried: int | None,
) -> datetime:
    due = obligation.issued_at + timedelta(seconds=step.after_s)
    if step.level == hurried:
        due = min(due, now)
    if reminder.urgent or step.channel not in OUTSIDE_CHANNELS:
        return due
    # Asked of the later moment: a step that was due before the quiet hours and not taken then doesn't ring inside them.
    return quiet.earliest(max(due, now), step.channel) if due <= now else quiet.earliest(due, step.channel)


def _first_level_left(left: list[LadderStep]) -> int:
    return min(step.level for step in left)


def _has_failed_outside(obligation: Obligation) -> bool:
    outside = [
        one for one in obligation.attempts if one.channel in OUTSIDE_CHANNELS and one.level < MANUAL_LEVEL
    ]
    return bool(outside) and all(one.state is AttemptState.FAILED for one in outside)
