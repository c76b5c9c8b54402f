"""Opinions on evidence (质证意见): 真实性, 合法性, 关联性 and 证明目的, per party. Added to, never edited.

Source: 民事诉讼法解释 art 104 (the three properties and the probative force are argued), 证据规定 art 60.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.exhibits.content import MAX_PURPOSE_CHARS, checked_reason
from hearing_server.domain.exhibits.exhibits import Exhibit, ExhibitState
from hearing_server.domain.exhibits.sight import Sight, Viewer, may_see
from hearing_server.errors import Conflict, Forbidden, Invalid
from hearing_server.kernel import ExhibitId, OpinionId, PartyId, PersonId

# One side on one exhibit; what is left to say after that is said in the hearing.
MAX_OPINIONS = 20


class Answer(StrEnum):
    """认可, 不认可, 部分认可, 无意见."""

    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    PARTLY = "partly"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Answers:
    """真实性, 合法性, 关联性, and whether it proves what it is offered for (证明目的)."""

    authenticity: Answer
    legality: Answer
    relevance: Answer
    purpose: Answer

    def all(self) -> tuple[Answer, ...]:
        return (self.authenticity, self.legality, self.relevance, self.purpose)


@dataclass(frozen=True, slots=True)
class Opinion:
    """`sight`: what its author saw of the exhibit. `due_at`: the time that held. `asks_original`: 要求核对原件."""

    id: OpinionId
    exhibit_id: ExhibitId
    party_ids: tuple[PartyId, ...]
    person_id: PersonId
    sight: Sight
    answers: Answers
    reason: str
    asks_original: bool
    at: datetime
    due_at: datetime | None = None

    @property
    def is_late(self) -> bool:
        """A fact, no decision."""
        return self.due_at is not None and self.at > self.due_at


def give_opinion(
    exhibit: Exhibit,
    viewer: Viewer,
    *,
    opinion_id: OpinionId,
    answers: Answers,
    reason: str,
    asks_original: bool,
    given: int,
    at: datetime,
) -> Opinion:
    """The next opinion of this person's parties; `given` of them stand already.

    Errors: Forbidden `opinion.own`, `opinion.unseen`; Conflict `opinion.closed`; Invalid `opinion.reason`.
    """
    if viewer.is_court or viewer.owns(exhibit):
        raise Forbidden(
            "opinion.own", zh="只能对他方或法院的证据发表质证意见", en="Opinions are on others' exhibits"
        )
    sight = may_see(exhibit, viewer)
    if sight not in (Sight.FULL, Sight.REDACTED) or not exhibit.is_disclosed:
        raise Forbidden("opinion.unseen", zh="该证据未向您披露", en="The exhibit isn't disclosed to you")
    if exhibit.state is ExhibitState.RULED or given >= MAX_OPINIONS:
        raise Conflict(
            "opinion.closed",
            zh="法院已对该证据作出认定，或意见次数已达上限",
            en="The court has ruled on the exhibit, or no more opinions are taken",
        )
    needs_reason = any(answer in (Answer.DISPUTED, Answer.PARTLY) for answer in answers.all())
    return Opinion(
        id=opinion_id,
        exhibit_id=exhibit.id,
        party_ids=tuple(sorted(viewer.party_ids)),
        person_id=viewer.person_id,
        sight=sight,
        answers=answers,
        reason=_checked(reason, needed=needs_reason),
        asks_original=asks_original,
        at=at,
        due_at=exhibit.opinions_until,
    )


def _checked(reason: str, *, needed: bool) -> str:
    if needed and not reason.strip():
        raise Invalid(
            "opinion.reason",
            zh="不认可或部分认可的，请写明理由",
            en="Say why you dispute it, wholly or in part",
        )
    return checked_reason(reason, needed=False, most=MAX_PURPOSE_CHARS)


def shown_opinions(exhibit: Exhibit, opinions: Iterable[Opinion], viewer: Viewer) -> list[Opinion]:
    """What this person reads of what was said. Who saw only the court's version doesn't read what was said of the
    whole one."""
    sight = may_see(exhibit, viewer)
    if sight is Sight.FULL:
        return list(opinions)
    if sight is Sight.REDACTED:
        return [one for one in opinions if one.sight is Sight.REDACTED or one.person_id == viewer.person_id]
    return []


def current(opinions: Iterable[Opinion], party_id: PartyId) -> Opinion | None:
    """The newest opinion that was given for this party."""
    own = [one for one in opinions if party_id in one.party_ids]
    return max(own, key=lambda one: (one.at, one.id)) if own else None
