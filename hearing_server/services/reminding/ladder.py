"""Climbing the ladder of one obligation: the page, every channel there is an address for, the clerk, the end."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.reminding.channels import AttemptState, Channel, DeliveryAttempt, report
from hearing_server.domain.reminding.climbing import Attempt, Expire, Wait, next_step
from hearing_server.domain.reminding.endings import expire, raise_task
from hearing_server.domain.reminding.reminders import Obligation, Reminder, note_attempt
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, PersonId
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.notices import Notice
from hearing_server.ports.units import Unit
from hearing_server.ports.vault import Vault
from hearing_server.services.acts import record_act
from hearing_server.services.reminding.addresses import addresses_of
from hearing_server.services.reminding.letters import Words
from hearing_server.services.reminding.notices import queue_notice
from hearing_server.services.reminding.rules import ReminderRules

NO_ADDRESS = "no_address"
# Relays count to six before they give up; what timed out to the last may have arrived all the same.
_NOBODY_KNOWS = "TimeoutError"


async def climb(
    unit: Unit,
    vault: Vault,
    actor: Actor,
    case: Case,
    reminder: Reminder,
    obligation: Obligation,
    *,
    now: datetime,
    rules: ReminderRules,
) -> tuple[Obligation, datetime | None]:
    """Take every step that is due, in the caller's unit; the obligation, and when the next step is due."""
    while True:
        step = next_step(reminder, obligation, now, rules.quiet)
        if step is None:
            return obligation, None
        if isinstance(step, Wait):
            return obligation, step.until
        if isinstance(step, Expire):
            obligation = expire(obligation, at=now, clerk_id=clerk_of(case))
            await _note_expiry(unit, actor, obligation, now)
            continue
        obligation = await take_step(
            unit, vault, actor, case, reminder, obligation, step, now=now, rules=rules
        )


async def take_step(
    unit: Unit,
    vault: Vault,
    actor: Actor,
    case: Case,
    reminder: Reminder,
    obligation: Obligation,
    step: Attempt,
    *,
    now: datetime,
    rules: ReminderRules,
    by: PersonId | None = None,
) -> Obligation:
    """One attempt with its notices and its act, in the caller's unit."""
    channel, state, reason = step.step.channel, AttemptState.ACCEPTED, ""
    if channel is Channel.CLERK:
        obligation = raise_task(obligation, at=now, clerk_id=clerk_of(case))
    elif channel is not Channel.IN_APP:
        queued = await _queue(unit, vault, case, reminder, obligation, step, now=now, rules=rules)
        state, reason = (AttemptState.QUEUED, "") if queued else (AttemptState.FAILED, NO_ADDRESS)
    attempt = DeliveryAttempt(step.step.level, channel, now, state, False, reason, by=by)
    await record_act(
        unit, actor, kind=ActKind.OBLIGATION_ATTEMPTED, chain_id=case.id, at=now,
        payload={
            "obligation_id": obligation.id, "channel": channel.value, "level": step.step.level,
            "state": state.value, "reason": reason,
        },
    )  # fmt: skip
    unit.ring(Doorbell("obligation_changed", obligation.id))
    return note_attempt(obligation, attempt)


def clerk_of(case: Case) -> PersonId | None:
    """Whose task it is: the case's clerk by name."""
    return case.clerk.id if case.clerk is not None else None


async def _queue(
    unit: Unit,
    vault: Vault,
    case: Case,
    reminder: Reminder,
    obligation: Obligation,
    attempt: Attempt,
    *,
    now: datetime,
    rules: ReminderRules,
) -> bool:
    channel = attempt.step.channel
    reach = await addresses_of(unit, vault, [obligation.person_id])
    found = reach[obligation.person_id].get(channel, [])
    for address in found:
        # Several browsers of one person are one attempt; each gets its own message.
        key = f"{attempt.dedup_key}:{address.contact_id}" if address.contact_id else attempt.dedup_key
        await queue_notice(
            unit,
            vault,
            person_id=obligation.person_id,
            address=address,
            words=_words(case, reminder, attempt, rules),
            dedup_key=key,
            now=now,
        )
    return bool(found)


def _words(case: Case, reminder: Reminder, attempt: Attempt, rules: ReminderRules) -> Words:
    """What stands on a lock screen or in a letter box: that there is a reminder, never what it says of the case."""
    link = f"/cases/{case.id}/progress"
    again = "再次提醒：" if attempt.step.level else ""
    title = f"{case.court.name}：您有一条须确认的提醒"
    if attempt.step.channel is Channel.WEB_PUSH:
        return Words("法院提醒", f"{again}您有一条须本人确认的法院提醒，请打开查看。", link)
    if attempt.step.channel is Channel.VOICE:
        text = f"这里是{case.court.name}。您有一条须本人确认的提醒，请登录在线诉讼平台查看并确认。"
        return Words(title, text, link)
    text = (
        f"【{case.court.name}】{again}您在{case.number}一案中有一条须确认的法院提醒：{reminder.title}。"
        "请登录在线诉讼平台查看并确认已知悉。"
    )
    if attempt.step.channel is Channel.EMAIL:
        # A letter box is opened by more people than a phone: no case, no title.
        text = f"{again}您有一条须本人确认的法院提醒。请登录在线诉讼平台查看并确认：{rules.address(link)}"
        return Words(title, text, link)
    return Words(title, text, link)


async def _note_expiry(unit: Unit, actor: Actor, obligation: Obligation, now: datetime) -> None:
    await record_act(
        unit, actor, kind=ActKind.OBLIGATION_EXPIRED, chain_id=obligation.case_id, at=now,
        payload={"obligation_id": obligation.id, "clerk_id": obligation.task.clerk_id if obligation.task else None},
    )  # fmt: skip
    unit.ring(Doorbell("obligation_changed", obligation.id))
    unit.ring(Doorbell("case_changed", obligation.case_id))


async def settle_attempts(unit: Unit, obligation: Obligation) -> Obligation:
    """The obligation with what the outbox knows by now of its messages. Of several devices the best word counts."""
    groups: dict[tuple[int, str], list[Notice]] = {}
    for notice in await unit.notices.by_dedup_prefix(f"{obligation.id}:"):
        _, level, channel = notice.dedup_key.split(":")[:3]
        groups.setdefault((int(level), channel), []).append(notice)
    for attempt in obligation.attempts:
        notices = groups.get((attempt.level, attempt.channel.value), [])
        obligation = note_attempt(obligation, _settled(attempt, notices))
    return obligation


def _settled(attempt: DeliveryAttempt, notices: list[Notice]) -> DeliveryAttempt:
    # While one device may still get it, nothing has failed.
    is_whole = all(notice.settled_at is not None for notice in notices)
    states = [(notice, *_state(notice)) for notice in notices if notice.settled_at or notice.report]
    failures = [one for one in states if one[1] in (AttemptState.FAILED, AttemptState.UNKNOWN)]
    proofs = [one for one in states if one not in failures]
    for notice, state, at in proofs or (failures if is_whole else []):
        attempt = report(
            attempt,
            state,
            at=at,
            reason=notice.report_detail or (notice.result or "") if state is AttemptState.FAILED else "",
            simulated=notice.simulated,
            maybe_twice=notice.maybe_twice,
        )
    return attempt


_REPORTS = {
    "delivered": AttemptState.ON_DEVICE,
    "displayed": AttemptState.DISPLAYED,
    "opened": AttemptState.OPENED,
    "failed": AttemptState.FAILED,
}


def _state(notice: Notice) -> tuple[AttemptState, datetime]:
    if notice.report in _REPORTS and notice.reported_at is not None:
        return _REPORTS[notice.report], notice.reported_at
    assert notice.settled_at is not None
    if notice.state == "accepted":
        return AttemptState.ACCEPTED, notice.settled_at
    unknown = notice.result == _NOBODY_KNOWS
    return (AttemptState.UNKNOWN if unknown else AttemptState.FAILED), notice.settled_at
