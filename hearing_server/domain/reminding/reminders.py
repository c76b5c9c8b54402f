"""Forced reminders: an obligation per recipient that ends in one of five ways and never silently.

`active → displayed → acknowledged | objected | handed_over | expired | cancelled`. A sheet covers the recipient's pages
until then, while the ladder calls by other channels. What expires, and what is objected to, is a task of a clerk.
Source: 在线诉讼规则 arts 29, 31 (arrival, reading and acknowledgment are different facts); 民诉法解释 art 261.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hearing_server.domain.canonical_json import canonical_json
from hearing_server.domain.reminding.channels import Channel, DeliveryAttempt, Grade
from hearing_server.domain.reminding.grounds import (
    DEFAULT_EXPIRES_H,
    DEFAULT_LADDER,
    GENERAL,
    MANUAL_LEVEL,
    Ground,
    LadderStep,
)
from hearing_server.errors import Invalid
from hearing_server.kernel import CaseId, ObligationId, PersonId, ReminderId, to_wire

MAX_TITLE_CHARS = 60
MAX_TEXT_CHARS = 2000
# One reminder to everybody on a large case; a hundred sheets in one commit stay well below a second.
MAX_RECIPIENTS = 100
# A person reads them all in the sheet: what needs more is a bundle, filed as one document.
MAX_DOCUMENTS = 10


class ObligationState(StrEnum):
    ACTIVE = "active"
    DISPLAYED = "displayed"
    ACKNOWLEDGED = "acknowledged"
    OBJECTED = "objected"
    HANDED_OVER = "handed_over"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


OPEN_STATES = (ObligationState.ACTIVE, ObligationState.DISPLAYED)


class TaskKind(StrEnum):
    """Why a clerk must act: the ladder came to its last rung, the time is over, or somebody objected."""

    CALL = "call"
    EXPIRED = "expired"
    OBJECTION = "objection"


@dataclass(frozen=True, slots=True)
class ReminderDocument:
    """What the reminder is about. `sha256` (hex) of its content at issue; `kind` names the source it came from."""

    kind: str
    id: str
    title: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Reminder:
    """What was said. `text_sha256` (hex) is what a recipient acknowledges; ladder and the rest the policy at issue."""

    id: ReminderId
    case_id: CaseId
    author_id: PersonId
    title: str
    text: str
    text_sha256: str
    due_at: datetime | None
    issued_at: datetime
    ladder: tuple[LadderStep, ...] = DEFAULT_LADDER
    ground: str = GENERAL.code
    documents: tuple[ReminderDocument, ...] = ()
    urgent: bool = False
    later_times: int = 0
    later_min: int = 30
    expires_h: int = DEFAULT_EXPIRES_H
    serves: bool = False
    # The reminder whose documents changed, when this one was issued in its place.
    replaces: ReminderId | None = None

    @property
    def expires_at(self) -> datetime:
        """When an obligation that nobody met becomes a clerk's task."""
        return self.due_at or self.issued_at + timedelta(hours=self.expires_h)


@dataclass(frozen=True, slots=True)
class Acknowledgment:
    """我已知悉, of exactly this text and its documents, by this signed-in person. `identity`: how they signed in."""

    person_id: PersonId
    text_sha256: str
    at: datetime
    session_id: str
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Objection:
    """我有异议: words of the recipient."""

    text: str
    at: datetime
    session_id: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """A clerk reached the person: by phone, at the counter, on paper. `note` says how."""

    clerk_id: PersonId
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ClerkTask:
    """Somebody of the court must act. `clerk_id` None: the case has no clerk, so every clerk of the court sees it."""

    kind: TaskKind
    clerk_id: PersonId | None
    raised_at: datetime
    done_at: datetime | None = None
    done_by: PersonId | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Obligation:
    """One reminder × one recipient. `on_behalf_of`: the parties for whom this agent is reminded."""

    id: ObligationId
    reminder_id: ReminderId
    case_id: CaseId
    person_id: PersonId
    issued_at: datetime
    state: ObligationState = ObligationState.ACTIVE
    displayed_at: datetime | None = None
    acknowledgment: Acknowledgment | None = None
    cancelled_at: datetime | None = None
    attempts: tuple[DeliveryAttempt, ...] = ()
    on_behalf_of: tuple[PersonId, ...] = ()
    opened_at: datetime | None = None
    opened_documents: tuple[str, ...] = ()
    objection: Objection | None = None
    handed_over: HandOver | None = None
    expired_at: datetime | None = None
    cancel_reason: str = ""
    task: ClerkTask | None = None
    later_until: datetime | None = None
    later_count: int = 0

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def acknowledged_at(self) -> datetime | None:
        return self.acknowledgment.at if self.acknowledgment else None

    @property
    def has_task(self) -> bool:
        """Whether a clerk must still act."""
        return self.task is not None and self.task.done_at is None

    @property
    def grade(self) -> Grade:
        """The strongest thing that is proven."""
        if self.acknowledgment is not None:
            return Grade.ACKNOWLEDGED
        if self.opened_at is not None:
            return Grade.OPENED
        if self.displayed_at is not None:
            return Grade.DISPLAYED
        # A notification that was shown or tapped isn't the reminder's own text: it proves the device, no more.
        outside = [one.grade for one in self.attempts if one.channel is not Channel.IN_APP]
        return min(max(outside, default=Grade.NONE), Grade.ON_DEVICE)

    def ended_at(self) -> datetime | None:
        """When it ended, None while open."""
        ends = {
            ObligationState.ACKNOWLEDGED: self.acknowledged_at,
            ObligationState.OBJECTED: self.objection.at if self.objection else None,
            ObligationState.HANDED_OVER: self.handed_over.at if self.handed_over else None,
            ObligationState.EXPIRED: self.expired_at,
            ObligationState.CANCELLED: self.cancelled_at,
        }
        return ends.get(self.state)


def reminder_digest(
    *, title: str, text: str, due_at: datetime | None, documents: Sequence[ReminderDocument] = ()
) -> str:
    """SHA-256 (hex) over the canonical JSON of what the sheet shows, documents by their own hash."""
    shown: dict[str, object] = {"title": title, "text": text, "due_at": to_wire(due_at) if due_at else None}
    if documents:
        shown["documents"] = [
            {"kind": one.kind, "id": one.id, "title": one.title, "sha256": one.sha256} for one in documents
        ]
    return hashlib.sha256(canonical_json(shown)).hexdigest()


def issue(
    *,
    reminder_id: ReminderId,
    case_id: CaseId,
    author_id: PersonId,
    recipients: Mapping[PersonId, ObligationId],
    title: str,
    text: str,
    due_at: datetime | None,
    at: datetime,
    ground: Ground = GENERAL,
    documents: tuple[ReminderDocument, ...] = (),
    on_behalf_of: Mapping[PersonId, tuple[PersonId, ...]] | None = None,
    urgent: bool = False,
    replaces: ReminderId | None = None,
) -> tuple[Reminder, tuple[Obligation, ...]]:
    """A reminder and its obligations.

    Errors: Invalid `reminder.title`, `.text`, `.recipients`, `.due_at`, `.documents`.
    """
    title, text = title.strip(), text.strip()
    _check(title, text, recipients, author_id, due_at, at, documents)
    digest = reminder_digest(title=title, text=text, due_at=due_at, documents=documents)
    reminder = Reminder(
        reminder_id, case_id, author_id, title, text, digest, due_at, at, ground.ladder, ground.code, documents,
        urgent, 0 if urgent else ground.later_times, ground.later_min, ground.expires_h, ground.serves, replaces,
    )  # fmt: skip
    behalf = on_behalf_of or {}
    obligations = tuple(
        Obligation(obligation_id, reminder_id, case_id, person_id, at, on_behalf_of=behalf.get(person_id, ()))
        for person_id, obligation_id in recipients.items()
    )
    return reminder, obligations


def _check(
    title: str,
    text: str,
    recipients: Mapping[PersonId, ObligationId],
    author_id: PersonId,
    due_at: datetime | None,
    at: datetime,
    documents: Sequence[ReminderDocument],
) -> None:
    if not 1 <= len(title) <= MAX_TITLE_CHARS:
        raise invalid(
            "title", f"标题应为 1 至 {MAX_TITLE_CHARS} 字", "The title must have 1 to 60 characters"
        )
    if not 1 <= len(text) <= MAX_TEXT_CHARS:
        raise invalid("text", f"内容应为 1 至 {MAX_TEXT_CHARS} 字", "The text must have 1 to 2000 characters")
    if not 1 <= len(recipients) <= MAX_RECIPIENTS or author_id in recipients:
        raise invalid(
            "recipients", "请选择一至一百位接收人（不含本人）", "Choose 1 to 100 recipients, not yourself"
        )
    if due_at is not None and (due_at.tzinfo is None or due_at <= at):
        raise invalid("due_at", "截止时间应晚于现在", "The due time must lie ahead")
    if len(documents) > MAX_DOCUMENTS or len({(one.kind, one.id) for one in documents}) != len(documents):
        raise invalid("documents", "所附材料过多或重复", "Too many documents, or one of them twice")


def next_manual_level(obligation: Obligation) -> int:
    """The level of an attempt a clerk asks for: above the ladder's, one more each time."""
    taken = [one.level for one in obligation.attempts if one.level >= MANUAL_LEVEL]
    return max(taken, default=MANUAL_LEVEL - 1) + 1


def note_attempt(obligation: Obligation, attempt: DeliveryAttempt) -> Obligation:
    """Add an attempt, or put it in the place of the one of the same level and channel."""
    key = (attempt.level, attempt.channel)
    if any((one.level, one.channel) == key for one in obligation.attempts):
        kept = tuple(attempt if (one.level, one.channel) == key else one for one in obligation.attempts)
    else:
        kept = (*obligation.attempts, attempt)
    return replace(obligation, attempts=kept)


def invalid(what: str, zh: str, en: str) -> Invalid:
    """A refusal under the code `reminder.…`."""
    return Invalid(f"reminder.{what}", zh=zh, en=en)
