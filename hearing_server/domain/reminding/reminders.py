"""Forced reminders: an obligation per recipient that ends only by acknowledgment or cancellation.

`active → displayed → acknowledged | cancelled`. A sheet covers the recipient's pages until then, while the ladder sends
the same words by other channels. Nothing ends silently: when the ladder is used up, a clerk is asked to act.
Source: 在线诉讼规则 arts 29, 31 (arrival, reading and acknowledgment are different facts); 民诉法解释 art 261.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hearing_server.domain.canonical_json import canonical_json
from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import CaseId, ObligationId, PersonId, ReminderId, to_wire

MAX_TITLE_CHARS = 60
MAX_TEXT_CHARS = 2000
# One reminder to everybody on a large case; a hundred sheets in one commit stay well below a second.
MAX_RECIPIENTS = 100
MAX_LADDER_STEPS = 10


class Channel(StrEnum):
    """`clerk` is a person: the ladder's last rung hands the obligation to the case's clerk."""

    IN_APP = "in_app"
    SMS = "sms"
    CLERK = "clerk"


class ObligationState(StrEnum):
    ACTIVE = "active"
    DISPLAYED = "displayed"
    ACKNOWLEDGED = "acknowledged"
    CANCELLED = "cancelled"


class AttemptState(StrEnum):
    QUEUED = "queued"
    ACCEPTED = "accepted"
    FAILED = "failed"


OPEN_STATES = (ObligationState.ACTIVE, ObligationState.DISPLAYED)


@dataclass(frozen=True, slots=True)
class LadderStep:
    """`after_s` seconds after issue, unless acknowledged by then."""

    level: int
    after_s: int
    channel: Channel


# At once on the page and by SMS (several channels at once), then again, then a person.
DEFAULT_LADDER: tuple[LadderStep, ...] = (
    LadderStep(0, 0, Channel.IN_APP),
    LadderStep(0, 0, Channel.SMS),
    LadderStep(1, 600, Channel.SMS),
    LadderStep(2, 1800, Channel.CLERK),
)


@dataclass(frozen=True, slots=True)
class Reminder:
    """What was said. `text_sha256` (hex) is what a recipient acknowledges; `ladder` the policy at issue."""

    id: ReminderId
    case_id: CaseId
    author_id: PersonId
    title: str
    text: str
    text_sha256: str
    due_at: datetime | None
    issued_at: datetime
    ladder: tuple[LadderStep, ...] = DEFAULT_LADDER


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One try on one channel at one level. `simulated` is shown to people."""

    level: int
    channel: Channel
    at: datetime
    state: AttemptState
    simulated: bool


@dataclass(frozen=True, slots=True)
class Acknowledgment:
    """我已知悉, of exactly this text, by this signed-in person."""

    person_id: PersonId
    text_sha256: str
    at: datetime
    session_id: str


@dataclass(frozen=True, slots=True)
class Obligation:
    """One reminder × one recipient."""

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

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def acknowledged_at(self) -> datetime | None:
        return self.acknowledgment.at if self.acknowledgment else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """Do this now. `dedup_key` is the same however often the step is computed."""

    step: LadderStep
    dedup_key: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`."""

    until: datetime


def reminder_digest(*, title: str, text: str, due_at: datetime | None) -> str:
    """SHA-256 (hex) over the canonical JSON of what the sheet shows."""
    shown = {"title": title, "text": text, "due_at": to_wire(due_at) if due_at else None}
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
    ladder: tuple[LadderStep, ...] = DEFAULT_LADDER,
) -> tuple[Reminder, tuple[Obligation, ...]]:
    """A reminder and its obligations. Errors: Invalid `reminder.title`, `.text`, `.recipients`, `.due_at`."""
    title, text = title.strip(), text.strip()
    if not 1 <= len(title) <= MAX_TITLE_CHARS:
        raise _invalid(
            "title", f"标题应为 1 至 {MAX_TITLE_CHARS} 字", "The title must have 1 to 60 characters"
        )
    if not 1 <= len(text) <= MAX_TEXT_CHARS:
        raise _invalid(
            "text", f"内容应为 1 至 {MAX_TEXT_CHARS} 字", "The text must have 1 to 2000 characters"
        )
    if not 1 <= len(recipients) <= MAX_RECIPIENTS or author_id in recipients:
        raise _invalid(
            "recipients", "请选择一至一百位接收人（不含本人）", "Choose 1 to 100 recipients, not yourself"
        )
    if due_at is not None and (due_at.tzinfo is None or due_at <= at):
        raise _invalid("due_at", "截止时间应晚于现在", "The due time must lie ahead")
    digest = reminder_digest(title=title, text=text, due_at=due_at)
    reminder = Reminder(reminder_id, case_id, author_id, title, text, digest, due_at, at, ladder)
    obligations = tuple(
        Obligation(obligation_id, reminder_id, case_id, person_id, at)
        for person_id, obligation_id in recipients.items()
    )
    return reminder, obligations


def next_step(obligation: Obligation, now: datetime, ladder: Iterable[LadderStep]) -> Attempt | Wait | None:
    """What the ladder wants now: an attempt, a wait, or None when settled or used up.

    A step already tried (whatever came of it) isn't repeated: the outbox retries a provider, the ladder only climbs.
    """
    if not obligation.is_open:
        return None
    tried = {(attempt.level, attempt.channel) for attempt in obligation.attempts}
    left = [step for step in ladder if (step.level, step.channel) not in tried]
    if not left:
        return None
    step = min(left, key=lambda one: one.after_s)
    due = obligation.issued_at + timedelta(seconds=step.after_s)
    if due > now:
        return Wait(due)
    return Attempt(step, f"{obligation.id}:{step.level}:{step.channel}")


def note_attempt(obligation: Obligation, attempt: DeliveryAttempt) -> Obligation:
    """Add an attempt, or settle the queued one of the same level and channel."""
    key = (attempt.level, attempt.channel)
    kept = tuple(one for one in obligation.attempts if (one.level, one.channel) != key)
    return replace(obligation, attempts=(*kept, attempt))


def display(obligation: Obligation, *, at: datetime) -> Obligation:
    """The sheet was on the recipient's screen; only the first time counts, and a settled obligation stays settled."""
    if obligation.state is not ObligationState.ACTIVE:
        return obligation
    return replace(obligation, state=ObligationState.DISPLAYED, displayed_at=at)


def acknowledge(
    obligation: Obligation,
    *,
    person_id: PersonId,
    text_sha256: str,
    expected_sha256: str,
    session_id: str,
    at: datetime,
) -> Obligation:
    """我已知悉. A repeat answers the first acknowledgment.

    Errors: Conflict `reminder.not_recipient`, `.other_text` (another text was on the screen), `.cancelled`.
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
    if obligation.state is ObligationState.CANCELLED:
        raise Conflict("reminder.cancelled", zh="提醒已撤销", en="The reminder was cancelled")
    return replace(
        obligation,
        state=ObligationState.ACKNOWLEDGED,
        # Who acknowledges has seen it, even when the page's own report was lost.
        displayed_at=obligation.displayed_at or at,
        acknowledgment=Acknowledgment(person_id, text_sha256, at, session_id),
    )


def cancel(obligation: Obligation, *, at: datetime) -> Obligation:
    """Withdrawn by its author. An acknowledged one stays acknowledged: that fact can't be taken back."""
    if not obligation.is_open:
        return obligation
    return replace(obligation, state=ObligationState.CANCELLED, cancelled_at=at)


def ladder_from_mapping(rows: Iterable[Mapping[str, object]]) -> tuple[LadderStep, ...]:
    """Steps from settings data `[{level, after_s, channel}]`. Errors: Invalid `reminder.ladder`."""
    steps: list[LadderStep] = []
    for row in rows:
        level, after_s, channel = row.get("level"), row.get("after_s"), row.get("channel")
        if (
            set(row) != {"level", "after_s", "channel"}
            or not isinstance(level, int)
            or not isinstance(after_s, int)
        ):
            raise _invalid("ladder", "提醒阶梯配置有误", "A step of the reminder ladder is malformed")
        if not isinstance(channel, str) or channel not in tuple(Channel) or level < 0 or after_s < 0:
            raise _invalid("ladder", "提醒阶梯配置有误", "A step of the reminder ladder is malformed")
        steps.append(LadderStep(level, after_s, Channel(channel)))
    distinct = {(step.level, step.channel) for step in steps}
    if not 1 <= len(steps) <= MAX_LADDER_STEPS or len(distinct) != len(steps):
        raise _invalid(
            "ladder", "提醒阶梯步数有误或重复", "The reminder ladder has too many, no, or repeated steps"
        )
    return tuple(sorted(steps, key=lambda step: (step.after_s, step.level)))


def _invalid(what: str, zh: str, en: str) -> Invalid:
    return Invalid(f"reminder.{what}", zh=zh, en=en)
