"""Who sees what of an exhibit: the one predicate of every list, page, file, event and catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hearing_server.domain.exhibits.exhibits import PENDING, Exhibit, ExhibitState
from hearing_server.domain.exhibits.sealing import Disclosure
from hearing_server.filing.cases import Case, CaseRole
from hearing_server.kernel import AttachmentId, PartyId, PersonId


class Sight(StrEnum):
    """full: everything; redacted: the court's version; stub: that it exists, and on which ground; nothing."""

    FULL = "full"
    REDACTED = "redacted"
    STUB = "stub"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody with a place on the case: the court, or who stands for these parties."""

    person_id: PersonId
    is_court: bool
    party_ids: frozenset[PartyId] = frozenset()

    def owns(self, exhibit: Exhibit) -> bool:
        """Whether it is offered for a party this person stands for (the court's own: the court)."""
        if not exhibit.owners:
            return self.is_court
        return not self.party_ids.isdisjoint(exhibit.owners)


def viewer_of(case: Case, person_id: PersonId) -> Viewer | None:
    """The person's place as it is now; None without one."""
    member = case.member(person_id)
    if member is None:
        return None
    if member.role in (CaseRole.JUDGE, CaseRole.CLERK):
        return Viewer(person_id, is_court=True)
    own = {
        party.id
        for party in case.parties
        if party.person.id == person_id
        or any(agent.person.id == person_id for agent in party.representatives)
    }
    return Viewer(person_id, is_court=False, party_ids=frozenset(own))


def may_see(exhibit: Exhibit, viewer: Viewer) -> Sight:
    """A draft is its desk's alone; what is with the court is its side's; what was exchanged is everybody's,
    unless it was submitted in private: then the court's decision says whose."""
    if exhibit.state is ExhibitState.DRAFT:
        is_at_hand = viewer.is_court if exhibit.by_court else viewer.owns(exhibit)
        return Sight.FULL if is_at_hand else Sight.NOTHING
    if viewer.is_court or viewer.owns(exhibit):
        return Sight.FULL
    if exhibit.sealed is None:
        return Sight.FULL if exhibit.is_disclosed else Sight.NOTHING
    decision = exhibit.sealed.decision
    if exhibit.is_disclosed and decision is not None and decision.reaches(viewer.party_ids):
        return Sight.FULL if decision.kind is Disclosure.DISCLOSE else Sight.REDACTED
    return Sight.STUB


def handles(exhibit: Exhibit, viewer: Viewer) -> bool:
    """Whether this person acts for its side: a draft is its desk's; what a clerk entered for a party is theirs too."""
    if exhibit.state is ExhibitState.DRAFT:
        return viewer.is_court if exhibit.by_court else viewer.owns(exhibit)
    return viewer.owns(exhibit) or (exhibit.by_court and viewer.is_court)


def may_open(exhibit: Exhibit, viewer: Viewer, attachment_id: AttachmentId) -> bool:
    """Whether this exhibit opens the door to this file."""
    sight = may_see(exhibit, viewer)
    redacted = {
        decision.redacted.file.attachment_id
        for decision in (exhibit.sealed.decisions if exhibit.sealed else ())
        if decision.redacted is not None
    }
    if sight is Sight.FULL:
        own = {file.attachment_id for file in exhibit.content.files}
        return attachment_id in own | redacted
    decision = exhibit.sealed.decision if exhibit.sealed else None
    if sight is not Sight.REDACTED or decision is None or decision.redacted is None:
        return False
    return attachment_id == decision.redacted.file.attachment_id


def is_stub_news(before: Exhibit | None, after: Exhibit) -> bool:
    """Whether somebody who sees only the stub can tell that something changed."""
    if after.sealed is None:
        return False
    old = public_state(before) if before else None
    return old != public_state(after)


def public_state(exhibit: Exhibit) -> str:
    """The state as a stub shows it: what the court does with it meanwhile is nobody else's."""
    if exhibit.state in PENDING:
        return ExhibitState.SUBMITTED.value
    return ExhibitState.EXCHANGED.value if exhibit.is_disclosed else exhibit.state.value
