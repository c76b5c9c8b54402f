"""The parties' word on a publication: told before it is decided, heard within a time limit, answered by the decider.

Source: 直播录播规定 (法发〔2010〕48号) arts 2, 3: no publication over a party's good reason; parties know in advance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from hearing_server.errors import Conflict, Forbidden, Invalid
from hearing_server.filing.cases import Case
from hearing_server.kernel import PersonId

MAX_REASON_CHARS = 200


@dataclass(frozen=True, slots=True)
class Response:
    """One person's word: no objection, or an objection and what became of it. `upheld` None: not answered yet."""

    person_id: PersonId
    objects: bool
    reason: str
    at: datetime
    answered_by: PersonId | None = None
    answered_at: datetime | None = None
    upheld: bool | None = None
    answer: str = ""

    @property
    def is_open(self) -> bool:
        return self.objects and self.upheld is None


Responses = tuple[Response, ...]


def respond(
    responses: Responses, *, by: PersonId, objects: bool, reason: str, until: datetime | None, at: datetime
) -> Responses:
    """A party's word; a new one replaces the old until it was answered.

    Errors: Conflict `objection.too_late`, `objection.answered`; Invalid `objection.reason`.
    """
    if until is not None and at > until:
        raise Conflict("objection.too_late", zh="异议期限已过", en="The time for objections is over")
    before = next((one for one in responses if one.person_id == by), None)
    if before is not None and before.upheld is not None:
        raise Conflict("objection.answered", zh="您的异议已有答复", en="Your objection has been answered")
    reason = reason.strip()
    if objects and not 1 <= len(reason) <= MAX_REASON_CHARS:
        raise Invalid(
            "objection.reason", zh="请写明异议理由（最多 200 字）", en="An objection needs a reason"
        )
    kept = tuple(one for one in responses if one.person_id != by)
    return (*kept, Response(by, objects, reason if objects else "", at))


def answer(
    responses: Responses,
    person_id: PersonId,
    *,
    by: PersonId,
    submitted_by: PersonId,
    upheld: bool,
    text: str,
    at: datetime,
) -> Responses:
    """The decider's answer, with its reason.

    Errors: Forbidden `publication.same_person`; Conflict `objection.none`, `.answered`; Invalid `objection.answer`.
    """
    if by == submitted_by:
        raise same_person()
    text = text.strip()
    if not 1 <= len(text) <= MAX_REASON_CHARS:
        raise Invalid("objection.answer", zh="请写明答复（最多 200 字）", en="The answer needs its reason")
    found = next((one for one in responses if one.person_id == person_id and one.objects), None)
    if found is None:
        raise Conflict("objection.none", zh="此人没有提出异议", en="This person has made no objection")
    if found.upheld is not None:
        raise Conflict("objection.answered", zh="该异议已有答复", en="This objection has been answered")
    done = replace(found, answered_by=by, answered_at=at, upheld=upheld, answer=text)
    return tuple(done if one is found else one for one in responses)


def require_heard(responses: Responses, case: Case, *, until: datetime | None, at: datetime) -> None:
    """Every objection is answered and none stands; every party has spoken or had its time.

    Errors: Conflict `objection.open`, `objection.upheld`, `objection.time_runs`.
    """
    if any(one.is_open for one in responses):
        raise Conflict("objection.open", zh="尚有异议未答复", en="An objection hasn't been answered")
    if any(one.upheld for one in responses):
        raise Conflict(
            "objection.upheld", zh="异议成立，不得公开", en="An objection was upheld; it can't be published"
        )
    if (until is None or at <= until) and not has_everybody_spoken(responses, case):
        raise Conflict(
            "objection.time_runs", zh="当事人异议期限未满", en="The parties' time to object isn't over"
        )


def has_everybody_spoken(responses: Responses, case: Case) -> bool:
    """A party has spoken by itself or by one of its representatives."""
    spoken = {one.person_id for one in responses}
    sides: Iterable[set[PersonId]] = (
        {party.person.id, *(agent.person.id for agent in party.representatives)} for party in case.parties
    )
    return all(side & spoken for side in sides)


def same_person() -> Forbidden:
    return Forbidden(
        "publication.same_person",
        zh="公开录像须由另一名工作人员确认",
        en="Another official must decide on the publication",
    )
