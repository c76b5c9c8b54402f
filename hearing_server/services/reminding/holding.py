"""An obligation in hand: read under the locks every change of it takes, in one order, and stored with its act."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.reminding.climbing import Attempt, Expire, Wait, next_step
from hearing_server.domain.reminding.quiet_hours import QuietHours
from hearing_server.domain.reminding.reminders import Obligation, Reminder
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, ObligationId
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit
from hearing_server.services.acts import record_act


@dataclass(frozen=True, slots=True)
class Held:
    """An obligation with its reminder and case."""

    case: Case
    reminder: Reminder
    obligation: Obligation

    def now_is(self, obligation: Obligation) -> Held:
        return replace(self, obligation=obligation)


async def hold(unit: Unit, obligation_id: str, *, lock: bool = True) -> Held | None:
    """None when there is none. The case's act chain is locked before the row: no two units wait in a ring."""
    obligation = await unit.reminders.obligation(ObligationId(obligation_id))
    if obligation is None:
        return None
    if lock:
        await unit.acts.lock_head(obligation.case_id)
        obligation = await unit.reminders.obligation(obligation.id, lock=True)
    assert obligation is not None
    reminder = await unit.reminders.get(obligation.reminder_id)
    case = await unit.cases.get(obligation.case_id)
    # Foreign keys hold.
    assert reminder is not None
    assert case is not None
    return Held(case, reminder, obligation)


async def keep(
    unit: Unit,
    actor: Actor,
    held: Held,
    kind: ActKind,
    *,
    now: datetime,
    quiet: QuietHours,
    facts: JsonObject | None = None,
) -> None:
    """Store the changed obligation with its act in the caller's unit, and ring for those who look."""
    await store(unit, held, now=now, quiet=quiet)
    await record_act(
        unit, actor, kind=kind, chain_id=held.case.id, at=now,
        payload={
            "obligation_id": held.obligation.id, "person_ids": [held.obligation.person_id],
            "text_sha256": held.reminder.text_sha256, **(facts or {}),
        },
    )  # fmt: skip


async def store(unit: Unit, held: Held, *, now: datetime, quiet: QuietHours) -> None:
    """The row with the time of its next step; no act."""
    next_at = next_time(held.reminder, held.obligation, now, quiet)
    await unit.reminders.save(held.obligation, next_at=next_at)
    unit.ring(Doorbell("obligation_changed", held.obligation.id))


def next_time(
    reminder: Reminder, obligation: Obligation, now: datetime, quiet: QuietHours
) -> datetime | None:
    """When the ladder wants to climb again; None when it has ended."""
    step = next_step(reminder, obligation, now, quiet)
    if isinstance(step, Wait):
        return step.until
    return now if isinstance(step, (Attempt, Expire)) else None
