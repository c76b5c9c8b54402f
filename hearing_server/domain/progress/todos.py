"""我的待办: what one person must do next in one case, by when. Pure: the sources say what, this says in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from hearing_server.kernel import CaseId, to_wire

_NEVER = datetime.max.replace(tzinfo=UTC)


class TodoKind(StrEnum):
    """The word the client has a title and a button for. A new source adds its own here and in the client's words."""

    ACKNOWLEDGE_REMINDER = "acknowledge_reminder"
    DECIDE_CONSENT = "decide_consent"
    RUN_SELF_TEST = "run_self_test"
    ATTEND_HEARING = "attend_hearing"
    HAND_OVER_REMINDER = "hand_over_reminder"
    ANSWER_CONTACT = "answer_contact"
    ANSWER_OBJECTION = "answer_objection"
    RESPOND_PUBLICATION = "respond_publication"
    SUBMIT_EXHIBITS = "submit_exhibits"
    CHECK_EXHIBITS = "check_exhibits"
    GIVE_OPINIONS = "give_opinions"
    SIGN_TRANSCRIPT = "sign_transcript"


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing to do. `key` is stable while it stands; `link` is the page where one button does it.

    `subject` is the thing's own title in the case's words; `from_at` is when it can be done at the earliest.
    """

    kind: TodoKind
    key: str
    case_id: CaseId
    link: str
    subject: str = ""
    due_at: datetime | None = None
    from_at: datetime | None = None
    people: tuple[str, ...] = field(default=())

    def is_overdue(self, now: datetime) -> bool:
        return self.due_at is not None and self.due_at < now


def in_order(todos: Iterable[Todo]) -> list[Todo]:
    """By deadline, without one last; each key once."""
    unique = {(todo.kind, todo.key): todo for todo in todos}
    return sorted(unique.values(), key=lambda todo: (todo.due_at or _NEVER, todo.kind.value, todo.key))


def todo_view(todo: Todo, *, case_number: str, now: datetime) -> dict[str, object]:
    """The object `Todo` of docs/PROTOCOL.md."""
    return {
        "kind": todo.kind.value,
        "key": todo.key,
        "case_id": todo.case_id,
        "case_number": case_number,
        "subject": todo.subject,
        "people": list(todo.people),
        "due_at": to_wire(todo.due_at) if todo.due_at else None,
        "from_at": to_wire(todo.from_at) if todo.from_at else None,
        "is_overdue": todo.is_overdue(now),
        "link": todo.link,
    }
