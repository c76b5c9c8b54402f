"""Storing a hearing's transition: the new version, its acts, one bell — all in the caller's unit."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.hearing.hearings import Change, Hearing, HearingFact, HearingFactKind
from hearing_server.domain.hearing.participants import Connection
from hearing_server.kernel import Actor
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit
from hearing_server.services.acts import record_act

# Which facts of a hearing are acts; the rest (a page that moved, a device) is seen live and in the journal.
ACTS_OF_FACTS: dict[HearingFactKind, ActKind] = {
    HearingFactKind.SCHEDULED: ActKind.HEARING_SCHEDULED,
    HearingFactKind.LOBBY_OPENED: ActKind.HEARING_LOBBY_OPENED,
    HearingFactKind.OPENED: ActKind.HEARING_OPENED,
    HearingFactKind.RECESSED: ActKind.HEARING_RECESSED,
    HearingFactKind.RESUMED: ActKind.HEARING_RESUMED,
    HearingFactKind.SEALING_BEGUN: ActKind.HEARING_SEALING_BEGUN,
    HearingFactKind.SEALING_ENDED: ActKind.HEARING_SEALING_ENDED,
    HearingFactKind.CLOSED: ActKind.HEARING_CLOSED,
    HearingFactKind.REOPENED: ActKind.HEARING_REOPENED,
    HearingFactKind.CANCELLED: ActKind.HEARING_CANCELLED,
    HearingFactKind.DOORS_CLOSED: ActKind.HEARING_DOORS_CLOSED,
    HearingFactKind.MOVED: ActKind.HEARING_MOVED,
    HearingFactKind.ARRIVED: ActKind.PARTICIPANT_ARRIVED,
    HearingFactKind.ADMITTED: ActKind.PARTICIPANT_ADMITTED,
    HearingFactKind.JOINED: ActKind.PARTICIPANT_JOINED,
    HearingFactKind.LEFT: ActKind.PARTICIPANT_LEFT,
    HearingFactKind.REMOVED: ActKind.PARTICIPANT_REMOVED,
    HearingFactKind.REMOVAL_LIFTED: ActKind.PARTICIPANT_REMOVAL_LIFTED,
    HearingFactKind.MUTED: ActKind.PARTICIPANT_MUTED,
    HearingFactKind.UNMUTED: ActKind.PARTICIPANT_UNMUTED,
    HearingFactKind.CONSENT_DECIDED: ActKind.CONSENT_DECIDED,
    HearingFactKind.IDENTITY_CHECKED: ActKind.IDENTITY_CHECKED,
    HearingFactKind.SELF_TESTED: ActKind.SELF_TESTED,
    HearingFactKind.CONNECTION_CHANGED: ActKind.PARTICIPANT_CONNECTION_CHANGED,
    HearingFactKind.PAGE_CHANGED: ActKind.PARTICIPANT_PAGE_CHANGED,
}


async def save_change(unit: Unit, actor: Actor, before: Hearing, change: Change, *, at: datetime) -> Hearing:
    """Store a transition with its acts in the caller's unit and ring for the live pages, if anything changed."""
    after, facts = change
    if after == before:
        return before
    await unit.hearings.save(after, read_version=before.version)
    for fact in facts:
        if _is_act(before, fact):
            await act_of(unit, actor, after, fact, at=at)
    unit.ring(Doorbell("hearing_changed", after.id))
    return after


def _is_act(before: Hearing, fact: HearingFact) -> bool:
    """A path that was lost or came back is evidence (在线诉讼规则 art 25); one that got better or worse is weather."""
    if fact.kind is not HearingFactKind.CONNECTION_CHANGED:
        return True
    was_lost = any(
        person.connection is Connection.LOST
        for person in before.participants
        if person.person_id in fact.person_ids
    )
    return was_lost or fact.note == Connection.LOST


async def act_of(unit: Unit, actor: Actor, hearing: Hearing, fact: HearingFact, *, at: datetime) -> None:
    """The act of one fact."""
    await record_act(
        unit,
        actor,
        kind=ACTS_OF_FACTS[fact.kind],
        chain_id=hearing.case_id,
        at=at,
        payload={"hearing_id": hearing.id, "person_ids": list(fact.person_ids), "note": fact.note},
    )
