"""Delayed live (庭审直播): one hearing shown while it runs, some time later, when that was approved beforehand.

`submitted → approved | rejected`, `approved → cut`. The parties are told and heard as for a publication; a second
official approves before the hearing opens. Judge, clerk or president cut it with one tap: from that moment nothing
leaves any more, not even what was said before and still waits for its delay.
Source: 直播录播规定 (法发〔2010〕48号) arts 2-5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from hearing_server.domain.hearing.hearings import Hearing, HearingState
from hearing_server.domain.publishing import objections
from hearing_server.domain.publishing.objections import Responses, same_person
from hearing_server.domain.publishing.open_court import require_open
from hearing_server.domain.publishing.publications import (
    MAX_CAUSE_CHARS,
    MAX_TITLE_CHARS,
    check_reason,
)
from hearing_server.errors import Conflict, Invalid
from hearing_server.filing.cases import Case
from hearing_server.kernel import BroadcastId, HearingId, PersonId

BEFORE_OPENING = (HearingState.SCHEDULED, HearingState.LOBBY)


class BroadcastState(StrEnum):
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What the public page will say of the hearing, who asked, was heard, decided, and who cut it."""

    id: BroadcastId
    hearing_id: HearingId
    state: BroadcastState
    title: str
    cause: str
    case_number: str
    held_on: date
    submitted_by: PersonId
    submitted_at: datetime
    objections_until: datetime
    responses: Responses = ()
    decided_by: PersonId | None = None
    decided_at: datetime | None = None
    cut_by: PersonId | None = None
    cut_at: datetime | None = None
    reason: str | None = None

    @property
    def is_on(self) -> bool:
        return self.state is BroadcastState.APPROVED

    def responded(self, by: PersonId, *, objects: bool, reason: str, at: datetime) -> Broadcast:
        """A party's word. Errors as objections.respond, Conflict `publication.not_submitted`."""
        self._require_waiting()
        until = self.objections_until
        said = objections.respond(self.responses, by=by, objects=objects, reason=reason, until=until, at=at)
        return replace(self, responses=said)

    def answered(
        self, person_id: PersonId, *, by: PersonId, upheld: bool, text: str, at: datetime
    ) -> Broadcast:
        """The decider's answer. Errors as objections.answer, Conflict `publication.not_submitted`."""
        self._require_waiting()
        said = objections.answer(
            self.responses, person_id, by=by, submitted_by=self.submitted_by, upheld=upheld, text=text, at=at
        )
        return replace(self, responses=said)

    def approved(self, by: PersonId, *, case: Case, hearing: Hearing, at: datetime) -> Broadcast:
        """Errors: Forbidden `publication.same_person`; Conflict `broadcast.too_late`, `objection.…`."""
        self._require_second_person(by)
        require_open(case, hearing)
        require_before_opening(hearing)
        objections.require_heard(self.responses, case, until=self.objections_until, at=at)
        return replace(self, state=BroadcastState.APPROVED, decided_by=by, decided_at=at)

    def rejected(self, by: PersonId, *, at: datetime, reason: str) -> Broadcast:
        self._require_second_person(by)
        return replace(
            self, state=BroadcastState.REJECTED, decided_by=by, decided_at=at, reason=check_reason(reason)
        )

    def cut(self, by: PersonId, *, at: datetime, reason: str) -> Broadcast:
        """For good: what is cut is not shown again but as a publication. A second tap changes nothing."""
        if self.state is BroadcastState.CUT:
            return self
        if self.state is BroadcastState.REJECTED:
            raise Conflict("broadcast.not_on", zh="该庭审没有直播", en="This hearing isn't broadcast")
        return replace(self, state=BroadcastState.CUT, cut_by=by, cut_at=at, reason=check_reason(reason))

    def _require_waiting(self) -> None:
        if self.state is not BroadcastState.SUBMITTED:
            raise Conflict(
                "publication.not_submitted", zh="该申报已处理", en="This publication has been decided"
            )

    def _require_second_person(self, by: PersonId) -> None:
        self._require_waiting()
        if by == self.submitted_by:
            raise same_person()


def submit_broadcast(
    hearing: Hearing,
    case: Case,
    *,
    id: BroadcastId,
    title: str,
    existing: Broadcast | None,
    by: PersonId,
    at: datetime,
    held_on: date,
    objections_until: datetime,
) -> Broadcast:
    """申请直播.

    Errors: Conflict `publication.closed_hearing`, `.exists`, `broadcast.too_late`; Invalid `publication.title`.
    """
    title = title.strip()
    if not 1 <= len(title) <= MAX_TITLE_CHARS:
        raise Invalid(
            "publication.title", zh="标题应为 1 至 100 字", en="The title must have 1 to 100 characters"
        )
    require_open(case, hearing)
    require_before_opening(hearing)
    if existing is not None and existing.state is not BroadcastState.REJECTED:
        raise Conflict(
            "publication.exists", zh="该录像已申报或已公开", en="It has been submitted or is public already"
        )
    return Broadcast(
        id, hearing.id, BroadcastState.SUBMITTED, title, case.cause[:MAX_CAUSE_CHARS], str(case.number), held_on,
        by, at, objections_until,
    )  # fmt: skip


def require_before_opening(hearing: Hearing) -> None:
    """Errors: Conflict `broadcast.too_late`."""
    if hearing.state not in BEFORE_OPENING:
        raise Conflict(
            "broadcast.too_late",
            zh="直播须在开庭前批准",
            en="A broadcast must be approved before the opening",
        )
