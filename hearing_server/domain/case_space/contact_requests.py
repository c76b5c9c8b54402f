"""联系法院: a party asks to be contacted, the clerks of the court answer. Parties reach one another through them.

Machine: waiting → taken → answered → done; waiting or taken → withdrawn by the asker. Whoever is asked sees where it
stands and by whom it is held: nothing ends silently, and what nobody answered in time goes to a clerk by name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import CaseId, ContactRequestId, CourtId, PersonId

# A request names what it is about; materials and statements have ways of their own.
MAX_TEXT_CHARS = 500
MAX_ANSWER_CHARS = 1000
# Beyond this nobody plans a telephone call.
MAX_AHEAD = timedelta(days=30)


class ContactTopic(StrEnum):
    HEARING_TIME = "hearing_time"
    MATERIALS = "materials"
    SERVICE = "service"
    PROCEDURE = "procedure"
    OTHER_SIDE = "other_side"
    TECHNICAL = "technical"
    OTHER = "other"


class ContactWay(StrEnum):
    """How the asker wants to be reached: by the telephone number the court has, or in writing here."""

    PHONE = "phone"
    MESSAGE = "message"


class ContactState(StrEnum):
    WAITING = "waiting"
    TAKEN = "taken"
    ANSWERED = "answered"
    DONE = "done"
    WITHDRAWN = "withdrawn"


OPEN_STATES = (ContactState.WAITING, ContactState.TAKEN)


@dataclass(frozen=True, slots=True)
class ContactStep:
    """Who did something to the request, when."""

    by: PersonId
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactRequest:
    """One request. `from_at`, `until_at`: when the asker can be reached; `assigned_to`: named when it was late."""

    id: ContactRequestId
    case_id: CaseId
    court_id: CourtId
    asker_id: PersonId
    topic: ContactTopic
    text: str
    way: ContactWay
    from_at: datetime | None
    until_at: datetime | None
    asked_at: datetime
    due_at: datetime
    state: ContactState = ContactState.WAITING
    taken: ContactStep | None = None
    answered: ContactStep | None = None
    answer: str = ""
    answered_way: ContactWay | None = None
    done: ContactStep | None = None
    withdrawn_at: datetime | None = None
    overdue_at: datetime | None = None
    assigned_to: PersonId | None = None

    @property
    def is_open(self) -> bool:
        """Whether the asker still waits."""
        return self.state in OPEN_STATES

    @property
    def next_at(self) -> datetime | None:
        """When lateness has to be told; None when there is nothing to wait for or it was told."""
        return self.due_at if self.is_open and self.overdue_at is None else None


def ask(
    *,
    id: ContactRequestId,
    case_id: CaseId,
    court_id: CourtId,
    asker_id: PersonId,
    topic: ContactTopic,
    text: str,
    way: ContactWay,
    from_at: datetime | None,
    until_at: datetime | None,
    at: datetime,
    due_h: int,
) -> ContactRequest:
    """A new request; it is due `due_h` hours after it was made, or after the asker can first be reached.

    Errors: Invalid `contact.text`, `contact.times`.
    """
    text = text.strip()
    if len(text) > MAX_TEXT_CHARS or (topic is ContactTopic.OTHER and not text):
        raise Invalid(
            "contact.text",
            zh=f"请简要说明事由（最多 {MAX_TEXT_CHARS} 字）",
            en=f"Say in short what it is about (at most {MAX_TEXT_CHARS} characters)",
        )
    times = [moment for moment in (from_at, until_at) if moment is not None]
    if (from_at and until_at and from_at >= until_at) or any(
        not at - timedelta(minutes=5) <= moment <= at + MAX_AHEAD for moment in times
    ):
        raise Invalid("contact.times", zh="方便联系的时间不正确", en="The times to reach you aren't right")
    begins = max(at, from_at) if from_at else at
    return ContactRequest(
        id, case_id, court_id, asker_id, topic, text, way, from_at, until_at, at, begins + timedelta(hours=due_h)
    )  # fmt: skip


def take(request: ContactRequest, *, clerk: PersonId, at: datetime) -> ContactRequest:
    """已接单; a colleague may take it over. Errors: Conflict `contact.not_open`."""
    _require_open(request)
    if request.taken is not None and request.taken.by == clerk:
        return request
    return replace(request, state=ContactState.TAKEN, taken=ContactStep(clerk, at))


def answer(
    request: ContactRequest, *, clerk: PersonId, text: str, way: ContactWay, at: datetime
) -> ContactRequest:
    """What the asker was told, in writing or by telephone. Errors: Conflict `contact.not_open`; Invalid `.answer`."""
    _require_open(request)
    text = text.strip()
    if not text or len(text) > MAX_ANSWER_CHARS:
        raise Invalid(
            "contact.answer",
            zh=f"请填写答复内容（最多 {MAX_ANSWER_CHARS} 字）",
            en=f"Write down the answer (at most {MAX_ANSWER_CHARS} characters)",
        )
    step = ContactStep(clerk, at)
    return replace(
        request,
        state=ContactState.ANSWERED,
        taken=request.taken or step,
        answered=step,
        answer=text,
        answered_way=way,
    )


def finish(request: ContactRequest, *, by: PersonId, at: datetime) -> ContactRequest:
    """Nothing is left to do; only what was answered can be finished. Errors: Conflict `contact.not_answered`."""
    if request.state is ContactState.DONE:
        return request
    if request.state is not ContactState.ANSWERED:
        raise Conflict("contact.not_answered", zh="请先答复再办结", en="Answer first; then it can be closed")
    return replace(request, state=ContactState.DONE, done=ContactStep(by, at))


def withdraw(request: ContactRequest, *, at: datetime) -> ContactRequest:
    """The asker needs it no more. Errors: Conflict `contact.not_open`."""
    if request.state is ContactState.WITHDRAWN:
        return request
    _require_open(request)
    return replace(request, state=ContactState.WITHDRAWN, withdrawn_at=at)


def run_late(request: ContactRequest, *, clerk: PersonId | None, at: datetime) -> ContactRequest:
    """Nobody answered in time: it is `clerk`'s by name from here on. The same request when that was said before."""
    if not request.is_open or request.overdue_at is not None or at < request.due_at:
        return request
    return replace(request, overdue_at=at, assigned_to=request.taken.by if request.taken else clerk)


def _require_open(request: ContactRequest) -> None:
    if not request.is_open:
        raise Conflict(
            "contact.not_open", zh="该联系请求已答复或已撤回", en="This request was answered or withdrawn"
        )
