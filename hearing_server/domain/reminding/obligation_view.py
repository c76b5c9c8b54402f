"""An obligation as clients get it (docs/PROTOCOL.md section 1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hearing_server.domain.reminding.channels import DeliveryAttempt
from hearing_server.domain.reminding.grounds import Ground
from hearing_server.domain.reminding.reminders import Obligation, Reminder
from hearing_server.filing.cases import Case
from hearing_server.kernel import PersonId, to_wire


def obligation_view(
    case: Case, reminder: Reminder, obligation: Obligation, *, grounds: Mapping[str, Ground]
) -> dict[str, object]:
    """The object `Obligation`."""
    ground = grounds.get(reminder.ground)
    return {
        "id": obligation.id,
        "reminder_id": reminder.id,
        "case_id": case.id,
        "case_number": str(case.number),
        "author": _person(case, reminder.author_id),
        "ground": reminder.ground,
        "ground_name": ground.name if ground else "",
        "ground_name_en": ground.name_en if ground else "",
        "title": reminder.title,
        "text": reminder.text,
        "documents": [
            {"kind": one.kind, "id": one.id, "title": one.title, "sha256": one.sha256}
            for one in reminder.documents
        ],
        "text_sha256": reminder.text_sha256,
        "urgent": reminder.urgent,
        "due_at": _moment(reminder.due_at),
        "issued_at": to_wire(reminder.issued_at),
        "person": {"id": obligation.person_id, **_person(case, obligation.person_id)},
        "on_behalf_of": [_person(case, one) for one in obligation.on_behalf_of],
        "state": obligation.state.value,
        "grade": obligation.grade.word,
        "displayed_at": _moment(obligation.displayed_at),
        "opened_at": _moment(obligation.opened_at),
        "acknowledged_at": _moment(obligation.acknowledged_at),
        "ended_at": _moment(obligation.ended_at()),
        "cancel_reason": obligation.cancel_reason,
        "objection": obligation.objection.text if obligation.objection else None,
        "later_until": _moment(obligation.later_until),
        "later_left": max(0, reminder.later_times - obligation.later_count),
        "later_min": reminder.later_min,
        "attempts": [attempt_view(attempt) for attempt in obligation.attempts],
    }


def attempt_view(attempt: DeliveryAttempt) -> dict[str, object]:
    """One attempt: for the recipient, the board and the certificate alike."""
    return {
        "channel": attempt.channel.value,
        "level": attempt.level,
        "at": to_wire(attempt.at),
        "state": attempt.state.value,
        "reason": attempt.reason,
        "reported_at": _moment(attempt.reported_at),
        "simulated": attempt.simulated,
        "maybe_twice": attempt.maybe_twice,
        "by_hand": attempt.by is not None,
    }


def task_view(case: Case, obligation: Obligation, next_at: datetime | None) -> dict[str, object]:
    """What the board adds: the clerk's task and when the ladder goes on."""
    task = obligation.task
    return {
        "next_step_at": _moment(next_at),
        "task": None
        if task is None
        else {
            "kind": task.kind.value,
            "clerk": _person(case, task.clerk_id)["name"] if task.clerk_id else None,
            "raised_at": to_wire(task.raised_at),
            "done_at": _moment(task.done_at),
            "note": task.note,
        },
    }


def _person(case: Case, person_id: PersonId) -> dict[str, object]:
    member = case.member(person_id)
    if member is None:
        return {"name": "", "label": "", "label_en": ""}
    return {"name": member.name, "label": member.label.zh, "label_en": member.label.en}


def _moment(at: datetime | None) -> str | None:
    return to_wire(at) if at is not None else None
