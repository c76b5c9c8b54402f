"""What happens to an obligation: shown, opened, put off, and the five ways it ends, once and for ever."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from hearing_server.domain.reminding.reminders import (
    Acknowledgment,
    ClerkTask,
    HandOver,
    Objection,
    Obligation,
    ObligationState,
    Reminder,
    TaskKind,
    invalid,
)
from hearing_server.errors import Conflict
from hearing_server.kernel import PersonId

MAX_NOTE_CHARS = 500
CANCELLED_BY_COLLEAGUE = "colleague_acknowledged"
CANCELLED_BY_CHANGE = "document_changed"


def display(obligation: Obligation, *, at: datetime) -> Obligation:
    """The sheet was on the recipient's screen; only the first time counts, and a settled obligation stays settled."""
    if obligation.state is not ObligationState.ACTIVE:
        return obligation
    return replace(obligation, state=ObligationState.DISPLAYED, displayed_at=at)


def open_text(obligation: Obligation, *, at: datetime, document_id: str | None = None) -> Obligation:
    """The recipient went through the text to its end, or opened one of its documents."""
    if not obligation.is_open:
        return obligation
    shown = display(obligation, at=at)
    known = shown.opened_documents
    if document_id is not None and document_id not in known:
        known = (*known, document_id)
    return replace(shown, opened_at=shown.opened_at or at, opened_documents=known)


def put_off(obligation: Obligation, reminder: Reminder, *, at: datetime) -> Obligation:
    """稍后: the sheet comes back by itself; the ladder climbs on. Errors: Conflict `reminder.no_later`, `.ended`."""
    require_open(obligation)
    if obligation.later_until is not None and obligation.later_until > at:
        return obligation
    if reminder.urgent or obligation.later_count >= reminder.later_times:
        raise Conflict("reminder.no_later", zh="此提醒不能再推迟", en="This reminder can't be put off")
    return replace(
        obligation,
        later_until=at + timedelta(minutes=reminder.later_min),
        later_count=obligation.later_count + 1,
    )


def acknowledge(
    obligation: Obligation,
    *,
    person_id: PersonId,
    text_sha256: str,
    expected_sha256: str,
    session_id: str,
    at: datetime,
    identity: str = "",
) -> Obligation:
    """我已知悉. A repeat answers the first acknowledgment.

    Errors: Conflict `reminder.not_recipient`, `.other_text` (another text was on the screen), `.cancelled`, `.ended`.
    """
    if person_id != obligation.person_id:
        raise Conflict(
            "reminder.not_recipient", zh="只能由接收人本人确认", en="Only the recipient can acknowledge"
        )
    if not hmac.compare_digest(text_sha256.encode(), expected_sha256.encode()):
        raise Conflict(
            "reminder.other_text", zh="提醒内容不一致，请刷新后确认", en="The text differs; please reload"
        )
    if obligation.state is ObligationState.ACKNOWLEDGED:
        return obligation
    require_open(obligation)
    return replace(
        obligation,
        state=ObligationState.ACKNOWLEDGED,
        # Who acknowledges has seen it, even when the page's own report was lost.
        displayed_at=obligation.displayed_at or at,
        acknowledgment=Acknowledgment(person_id, text_sha256, at, session_id, identity),
        task=_closed(obligation, at, person_id, ""),
    )


def object_to(
    obligation: Obligation, *, text: str, session_id: str, at: datetime, clerk_id: PersonId | None
) -> Obligation:
    """我有异议: it ends, and a clerk has to answer. Errors: Invalid `reminder.objection`, Conflict."""
    text = _note(text, "objection", "请写明异议内容", "Say what you object to")
    if obligation.state is ObligationState.OBJECTED:
        return obligation
    require_open(obligation)
    return replace(
        obligation,
        state=ObligationState.OBJECTED,
        displayed_at=obligation.displayed_at or at,
        objection=Objection(text, at, session_id),
        task=ClerkTask(TaskKind.OBJECTION, clerk_id, at),
    )


def hand_over(obligation: Obligation, *, clerk_id: PersonId, note: str, at: datetime) -> Obligation:
    """A clerk reached the person. Ends an open obligation, or does the task an ended one left behind.

    Errors: Invalid `reminder.note`; Conflict `reminder.ended` when there is nothing left to do.
    """
    note = _note(note, "note", "请写明如何告知", "Say how the person was reached")
    if obligation.is_open:
        return replace(
            obligation,
            state=ObligationState.HANDED_OVER,
            handed_over=HandOver(clerk_id, note, at),
            task=_closed(obligation, at, clerk_id, note),
        )
    if not obligation.has_task:
        raise _ended(obligation)
    return replace(obligation, task=_closed(obligation, at, clerk_id, note))


def expire(obligation: Obligation, *, at: datetime, clerk_id: PersonId | None) -> Obligation:
    """The time is over and nobody met it: a clerk's task, always."""
    if not obligation.is_open:
        return obligation
    return replace(
        obligation,
        state=ObligationState.EXPIRED,
        expired_at=at,
        task=ClerkTask(TaskKind.EXPIRED, clerk_id, at),
    )


def raise_task(obligation: Obligation, *, at: datetime, clerk_id: PersonId | None) -> Obligation:
    """The ladder's last rung: somebody of the court calls."""
    if not obligation.is_open or obligation.has_task:
        return obligation
    return replace(obligation, task=ClerkTask(TaskKind.CALL, clerk_id, at))


def cancel(obligation: Obligation, *, at: datetime, reason: str = "") -> Obligation:
    """Withdrawn by its author. An ended one stays as it ended: that fact can't be taken back."""
    if not obligation.is_open:
        return obligation
    return replace(
        obligation,
        state=ObligationState.CANCELLED,
        cancelled_at=at,
        cancel_reason=reason,
        task=_closed(obligation, at, None, reason),
    )


def released_by(settled: Obligation, others: Iterable[Obligation]) -> list[Obligation]:
    """Open obligations of the same reminder that another agent of the same parties has just met for them too.

    What is served on one of two agents is served on the party; the party's own obligation is nobody else's to meet.
    """
    done_for = set(settled.on_behalf_of)
    return [
        other
        for other in others
        if other.id != settled.id
        and other.reminder_id == settled.reminder_id
        and other.is_open
        and other.on_behalf_of
        and set(other.on_behalf_of) <= done_for
    ]


def require_open(obligation: Obligation) -> None:
    """Errors: Conflict `reminder.cancelled`, `reminder.ended`."""
    if not obligation.is_open:
        raise _ended(obligation)


def _ended(obligation: Obligation) -> Conflict:
    if obligation.state is ObligationState.CANCELLED:
        return Conflict("reminder.cancelled", zh="提醒已撤销", en="The reminder was cancelled")
    return Conflict("reminder.ended", zh="此提醒已经办结", en="This reminder has ended already")


def _closed(obligation: Obligation, at: datetime, by: PersonId | None, note: str) -> ClerkTask | None:
    task = obligation.task
    return (
        replace(task, done_at=at, done_by=by, note=note)
        if task is not None and task.done_at is None
        else task
    )


def _note(text: str, what: str, zh: str, en: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= MAX_NOTE_CHARS:
        raise invalid(
            what, f"{zh}（不超过 {MAX_NOTE_CHARS} 字）", f"{en} (at most {MAX_NOTE_CHARS} characters)"
        )
    return text
