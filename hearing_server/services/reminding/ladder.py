"""Climbing the ladder of one obligation: in-app, SMS, clerk; and settling what the SMS provider answered."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.reminding.reminders import (
    Attempt,
    AttemptState,
    Channel,
    DeliveryAttempt,
    Obligation,
    Reminder,
    Wait,
    next_step,
    note_attempt,
)
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit
from hearing_server.ports.vault import Vault
from hearing_server.services.acts import record_act
from hearing_server.services.reminding.notices import queue_sms


async def climb(
    unit: Unit,
    vault: Vault,
    actor: Actor,
    case: Case,
    reminder: Reminder,
    obligation: Obligation,
    *,
    now: datetime,
) -> tuple[Obligation, datetime | None]:
    """Take every step that is due, in the caller's unit; the obligation, and when the next step is due."""
    while True:
        step = next_step(obligation, now, reminder.ladder)
        if step is None:
            return obligation, None
        if isinstance(step, Wait):
            return obligation, step.until
        state = await _try(unit, vault, case, reminder, obligation, step, now=now)
        attempt = DeliveryAttempt(step.step.level, step.step.channel, now, state, False)
        obligation = note_attempt(obligation, attempt)
        await record_act(
            unit,
            actor,
            kind=ActKind.OBLIGATION_ATTEMPTED,
            chain_id=case.id,
            at=now,
            payload={
                "obligation_id": obligation.id,
                "channel": step.step.channel.value,
                "level": step.step.level,
                "state": state.value,
            },
        )
        unit.ring(Doorbell("obligation_changed", obligation.id))


async def _try(
    unit: Unit,
    vault: Vault,
    case: Case,
    reminder: Reminder,
    obligation: Obligation,
    attempt: Attempt,
    *,
    now: datetime,
) -> AttemptState:
    if attempt.step.channel is not Channel.SMS:
        # In-app: it stands in the person's list from this commit on. Clerk: it stands on the clerk's board.
        return AttemptState.ACCEPTED
    again = "再次提醒：" if attempt.step.level else ""
    body = (
        f"【{case.court.name}】{again}您在{case.number}一案中有一条须确认的法院提醒：{reminder.title}。"
        "请登录在线诉讼平台查看并确认已知悉。"
    )
    queued = await queue_sms(
        unit, vault, person_id=obligation.person_id, body=body, dedup_key=attempt.dedup_key, now=now
    )
    return AttemptState.QUEUED if queued else AttemptState.FAILED


async def settle_attempts(unit: Unit, obligation: Obligation) -> Obligation:
    """The obligation with what the outbox knows by now of its queued messages."""
    for notice in await unit.notices.by_dedup_prefix(f"{obligation.id}:"):
        if notice.settled_at is None:
            continue
        _, level, channel = notice.dedup_key.split(":")
        for attempt in obligation.attempts:
            is_it = attempt.level == int(level) and attempt.channel == channel
            if is_it and attempt.state is AttemptState.QUEUED:
                answered = DeliveryAttempt(
                    attempt.level,
                    attempt.channel,
                    notice.settled_at,
                    AttemptState.ACCEPTED if notice.state == "accepted" else AttemptState.FAILED,
                    notice.simulated,
                )
                obligation = note_attempt(obligation, answered)
    return obligation
