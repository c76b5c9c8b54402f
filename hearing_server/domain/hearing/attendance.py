"""Who comes, is checked, admitted, seated, muted, sent out: the hearing's people as transitions.

Each function answers the new hearing and the facts, and answers the same hearing when nothing changed.
Sources: 在线诉讼规则 arts 4, 7, 25 (consent, identity at the door, leaving); 法庭规则 art 19 (责令退出).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from hearing_server.domain.hearing.consents import Consent, Decision
from hearing_server.domain.hearing.hearings import (
    RUNNING,
    Change,
    Hearing,
    HearingFact,
    HearingFactKind,
    HearingState,
    check_reason,
    require_before_the_end,
    with_person,
)
from hearing_server.domain.hearing.participants import (
    Connection,
    ConnectionFacts,
    Device,
    Page,
    Participant,
    Presence,
    SelfTest,
    Source,
    Stage,
    participant_of,
)
from hearing_server.errors import Conflict
from hearing_server.filing.cases import CaseMember
from hearing_server.kernel import PersonId

# While the room may be entered: the lobby lets the court sit down first, a recess keeps the seats.
DOOR_STATES = (HearingState.LOBBY, *RUNNING)


def add_member(hearing: Hearing, member: CaseMember) -> Hearing:
    """Somebody who came onto the case after the hearing was scheduled; a person already there gets the new label."""
    known = hearing.find(member.person_id)
    if known is None:
        people = (*hearing.participants, participant_of(member))
        return replace(hearing, participants=people, version=hearing.version + 1)
    renamed = replace(known, name=member.name, standing=member.standing, label=member.label)
    return with_person(hearing, renamed, None, hearing.starts_at)[0]


def drop_member(hearing: Hearing, person_id: PersonId, *, at: datetime) -> Change:
    """Somebody is no longer on the case: who was in the room has left it, who only waited is no longer expected.

    Whoever took part stays in the list: the record speaks of them.
    """
    person = hearing.find(person_id)
    if person is None:
        return hearing, ()
    if person.is_in_room:
        changed, facts = leave(hearing, person_id, at=at)
        return (replace(changed, speaker=None) if changed.speaker == person_id else changed), facts
    if person.presence in (Presence.LEFT, Presence.REMOVED):
        return hearing, ()
    rest = tuple(one for one in hearing.participants if one.person_id != person_id)
    return replace(hearing, participants=rest, version=hearing.version + 1), ()


def report_page(hearing: Hearing, person_id: PersonId, *, stage: Stage, page: Page, at: datetime) -> Change:
    """A person's page says where it is. `waiting` without identity or consents stays `testing`: the door needs both."""
    require_before_the_end(hearing)
    person = hearing.participant(person_id)
    if stage is Stage.WAITING and (not person.identity_checked or person.missing_consents()):
        stage = Stage.CHECKING if not person.identity_checked else Stage.TESTING
    moved = person.reported(stage, page, at=at)
    if moved.presence is Presence.WAITING and person.presence is not Presence.WAITING:
        return with_person(hearing, moved, HearingFactKind.ARRIVED, at)
    if moved.page is not person.page and person.is_in_room:
        return with_person(hearing, moved, HearingFactKind.PAGE_CHANGED, at, note=str(page))
    return with_person(hearing, moved, None, at)


def note_page_gone(hearing: Hearing, person_id: PersonId, *, at: datetime) -> Change:
    """The last page of a person before the door closed: nobody waits there any more. Seats are the room's to tell."""
    person = hearing.find(person_id)
    if person is None or person.presence not in (Presence.CHECKING, Presence.TESTING, Presence.WAITING):
        return hearing, ()
    return with_person(hearing, replace(person, presence=Presence.ABSENT, waiting_since=None), None, at)


def note_identity_checked(hearing: Hearing, person_id: PersonId, *, at: datetime) -> Change:
    """The person proved at this hearing's door who they are."""
    require_before_the_end(hearing)
    person = hearing.participant(person_id)
    return with_person(hearing, replace(person, identity_checked=True), HearingFactKind.IDENTITY_CHECKED, at)


def note_consent(hearing: Hearing, consent: Consent) -> Change:
    """A decision on a stage. A refusal takes a waiting person away from the door; it sends nobody out of court."""
    require_before_the_end(hearing)
    person = hearing.participant(consent.person_id)
    decided = replace(person, consents={**person.consents, consent.stage: consent.decision})
    if consent.decision is Decision.REFUSED and decided.presence is Presence.WAITING:
        decided = replace(decided, presence=Presence.TESTING, waiting_since=None)
    note = f"{consent.stage}:{consent.decision}"
    return with_person(hearing, decided, HearingFactKind.CONSENT_DECIDED, consent.at, note=note)


def note_self_test(
    hearing: Hearing, person_id: PersonId, *, camera: bool, microphone: bool, playback: bool, at: datetime
) -> Change:
    """The result of trying camera, microphone and playback. A failed test is shown to the judge and bars nobody."""
    require_before_the_end(hearing)
    result = SelfTest.PASSED if camera and microphone and playback else SelfTest.FAILED
    person = hearing.participant(person_id)
    return with_person(
        hearing, replace(person, self_test=result), HearingFactKind.SELF_TESTED, at, note=str(result)
    )


def admit(hearing: Hearing, person_ids: Iterable[PersonId], *, at: datetime) -> Change:
    """准入. Somebody already admitted is passed over; one who can't be admitted stops the whole order.

    Errors: NotFound; Conflict `hearing.door_closed`, `hearing.person_not_waiting`, `hearing.consent_missing`.
    """
    _require_door(hearing)
    chosen = [hearing.participant(person_id) for person_id in person_ids]
    facts: tuple[HearingFact, ...] = ()
    for person in chosen:
        if person.is_admitted or person.is_court:
            continue
        _require_consents(person)
        if person.presence is not Presence.WAITING:
            raise Conflict(
                "hearing.person_not_waiting",
                zh=f"{person.label.zh}不在候场，暂不能准入",
                en=f"{person.label.en} isn't waiting and can't be admitted yet",
            )
        hearing, happened = with_person(hearing, person.admitted(at=at), HearingFactKind.ADMITTED, at)
        facts += happened
    return hearing, facts


def admit_all(hearing: Hearing, *, at: datetime) -> Change:
    """全部准入: everybody who waits with both consents; the others stay where they are."""
    ready = [
        person.person_id
        for person in hearing.participants
        if person.presence is Presence.WAITING and not person.missing_consents()
    ]
    return admit(hearing, ready, at=at)


def require_may_enter(hearing: Hearing, person_id: PersonId) -> Participant:
    """The person, if a join grant may be given now.

    Errors: NotFound; Conflict `hearing.door_closed`, `.removed`, `.consent_missing`, `.not_admitted`.
    """
    person = hearing.participant(person_id)
    _require_door(hearing)
    if person.presence is Presence.REMOVED:
        raise Conflict(
            "hearing.removed", zh="您已被责令退出本次庭审", en="You were ordered out of this hearing"
        )
    _require_consents(person)
    if not person.is_court and not person.is_admitted:
        raise Conflict(
            "hearing.not_admitted", zh="请在候场等候法庭准入", en="Please wait until the court admits you"
        )
    return person


def seat(hearing: Hearing, person_id: PersonId, *, at: datetime) -> Change:
    """The person's media joined the room. Errors as `require_may_enter`."""
    person = require_may_enter(hearing, person_id)
    if person.is_in_room:
        return hearing, ()
    facts = ConnectionFacts(since=at)
    seated = replace(person.seated(), connection=Connection.CONNECTING, facts=facts)
    return with_person(hearing, seated, HearingFactKind.JOINED, at)


def leave(hearing: Hearing, person_id: PersonId, *, at: datetime) -> Change:
    """The person left the room by their own act. A lost connection is `note_connection`, not this."""
    person = hearing.participant(person_id)
    if not person.is_in_room:
        return hearing, ()
    return with_person(hearing, person.left(), HearingFactKind.LEFT, at)


def remove(hearing: Hearing, person_id: PersonId, *, at: datetime, reason: str) -> Change:
    """责令退出. Errors: Invalid `hearing.reason`; Conflict `hearing.court_not_removable`."""
    require_before_the_end(hearing)
    reason = check_reason(reason)
    person = hearing.participant(person_id)
    if person.is_court:
        raise Conflict(
            "hearing.court_not_removable",
            zh="不能请出法庭人员",
            en="The court's own staff can't be ordered out",
        )
    changed, facts = with_person(hearing, person.removed(), HearingFactKind.REMOVED, at, note=reason)
    return (replace(changed, speaker=None) if changed.speaker == person_id else changed), facts


def lift_removal(hearing: Hearing, person_id: PersonId, *, at: datetime) -> Change:
    """The order is lifted: the person may come to the door again and waits for admission."""
    require_before_the_end(hearing)
    person = hearing.participant(person_id)
    if person.presence is not Presence.REMOVED:
        return hearing, ()
    return with_person(hearing, person.forgiven(), HearingFactKind.REMOVAL_LIFTED, at)


def mute(
    hearing: Hearing, person_ids: Iterable[PersonId], *, source: Source, muted: bool, at: datetime
) -> Change:
    """The court closes a microphone, a camera or a shared screen, or opens it. It outlasts leaving and coming back.

    Errors: NotFound; Conflict `hearing.court_not_mutable`.
    """
    require_before_the_end(hearing)
    kind = HearingFactKind.MUTED if muted else HearingFactKind.UNMUTED
    facts: tuple[HearingFact, ...] = ()
    for person in [hearing.participant(person_id) for person_id in person_ids]:
        if person.is_court:
            raise Conflict(
                "hearing.court_not_mutable", zh="不能静音法庭人员", en="The court's own staff can't be muted"
            )
        ordered = person.court_muted | {source} if muted else person.court_muted - {source}
        hearing, happened = with_person(
            hearing, replace(person, court_muted=ordered), kind, at, note=str(source)
        )
        facts += happened
    return hearing, facts


def mute_all(hearing: Hearing, *, source: Source, muted: bool, at: datetime) -> Change:
    """全体静音: everybody but the court."""
    everyone = [person.person_id for person in hearing.participants if not person.is_court]
    return mute(hearing, everyone, source=source, muted=muted, at=at)


def note_connection(
    hearing: Hearing, person_id: PersonId, *, connection: Connection, facts: ConnectionFacts, at: datetime
) -> Change:
    """What the server sees of the media path. `facts.since` stays while the state does; only a new state is a fact."""
    person = hearing.participant(person_id)
    if not person.is_in_room:
        return hearing, ()
    is_new = person.connection is not connection
    seen = replace(facts, since=at if is_new else person.facts.since)
    kind = HearingFactKind.CONNECTION_CHANGED if is_new else None
    return with_person(
        hearing, replace(person, connection=connection, facts=seen), kind, at, note=str(connection)
    )


def note_device(
    hearing: Hearing, person_id: PersonId, *, source: Source, device: Device, at: datetime
) -> Change:
    """A track appeared, went, or was muted by its owner."""
    person = hearing.participant(person_id)
    if not person.is_in_room:
        return hearing, ()
    return with_person(hearing, replace(person, devices={**person.devices, source: device}), None, at)


def _require_door(hearing: Hearing) -> None:
    require_before_the_end(hearing)
    if hearing.state not in DOOR_STATES:
        raise Conflict("hearing.door_closed", zh="候场尚未开放", en="The lobby isn't open yet")


def _require_consents(person: Participant) -> None:
    if person.missing_consents():
        raise Conflict(
            "hearing.consent_missing",
            zh=f"{person.label.zh}尚未同意在线庭审或录音录像",
            en=f"{person.label.en} hasn't agreed to the online hearing or to being recorded",
        )
