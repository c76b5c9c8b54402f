"""The only doors to objects: whoever asks for a case or anything in it comes through here.

"Not yours" and "does not exist" raise the same NotFound.
"""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.domain.case_space.lanes import Lane
from hearing_server.domain.exhibits.exhibits import Exhibit
from hearing_server.domain.exhibits.sight import Sight, Viewer, may_see, viewer_of
from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.publishing.publications import Publication
from hearing_server.domain.recording.recordings import Recording
from hearing_server.domain.roles import Action, Capacity, can, capacity_of, require
from hearing_server.errors import NotFound
from hearing_server.filing.cases import Case, CaseMember
from hearing_server.kernel import Actor, CaseId, ExhibitId, HearingId, LaneId, PublicationId, RecordingId
from hearing_server.ports.units import Unit


async def access_case(
    unit: Unit, actor: Actor, case_id: str, *, lock: bool = False
) -> tuple[Case, CaseMember | None]:
    """The case and the actor's place on it. `lock` for those who will change its parties.

    Members of the case get in; so do the clerks and presidents of its court, who have no place on it (None).
    """
    case = await unit.cases.get(CaseId(case_id), lock=lock)
    if case is None:
        raise NotFound
    return case, place_on(actor, case)


def place_on(actor: Actor, case: Case) -> CaseMember | None:
    """The actor's place on a case that was fetched; None for a colleague of the court. NotFound for a stranger."""
    member = case.member(actor.person_id)
    is_ours = case.court.id == actor.court_id
    if not is_ours or not can(capacity_of(actor.role, member.role if member else None), Action.CASE_SEE):
        raise NotFound
    return member


async def access_member_case(unit: Unit, actor: Actor, case_id: str) -> tuple[Case, CaseMember]:
    """As `access_case`, for what only members of the case may see (its space)."""
    case, member = await access_case(unit, actor, case_id)
    if member is None:
        raise NotFound
    return case, member


@dataclass(frozen=True, slots=True)
class SeenLane:
    """A lane with its case and the place of the person who reads or writes there, from `first_seq` on."""

    lane: Lane
    case: Case
    member: CaseMember
    first_seq: int = 1


async def access_lane(unit: Unit, actor: Actor, lane_id: str) -> SeenLane:
    """The one door to a lane, for reading, writing, receipts and what was posted there."""
    lane = await unit.space.lane(LaneId(lane_id))
    if lane is None:
        raise NotFound
    case, member = await access_member_case(unit, actor, lane.case_id)
    first_seq = lane.first_seq_for(member)
    if first_seq is None:
        raise NotFound
    return SeenLane(lane, case, member, first_seq)


@dataclass(frozen=True, slots=True)
class SeenHearing:
    """A hearing with its case and the place of the person who looks; `member` is None for the court's colleagues."""

    hearing: Hearing
    case: Case
    member: CaseMember | None

    def capacity(self, actor: Actor) -> Capacity:
        """What the actor is towards this case."""
        return capacity_of(actor.role, self.member.role if self.member else None)


def seen_by(actor: Actor, hearing: Hearing, case: Case) -> SeenHearing:
    """A hearing that was fetched for many, as one of them may see it. NotFound for a stranger."""
    return SeenHearing(hearing, case, place_on(actor, case))


async def access_hearing(unit: Unit, actor: Actor, hearing_id: str, *, lock: bool = False) -> SeenHearing:
    """The hearing through its case's door. `lock` for those who will change it."""
    hearing = await unit.hearings.get(HearingId(hearing_id), lock=lock)
    if hearing is None:
        raise NotFound
    case, member = await access_case(unit, actor, hearing.case_id)
    return SeenHearing(hearing, case, member)


@dataclass(frozen=True, slots=True)
class SeenRecording:
    """A recording with everything its page shows, and the place of the person who looks."""

    recording: Recording
    hearing: Hearing
    case: Case
    member: CaseMember | None
    publication: Publication | None

    def capacity(self, actor: Actor) -> Capacity:
        """What the actor is towards this case."""
        return capacity_of(actor.role, self.member.role if self.member else None)


async def access_recording(unit: Unit, actor: Actor, recording_id: str) -> SeenRecording:
    """The recording through its case's door."""
    recording = await unit.recordings.get(RecordingId(recording_id))
    hearing = await unit.hearings.get(recording.hearing_id) if recording else None
    if recording is None or hearing is None:
        raise NotFound
    case, member = await access_case(unit, actor, hearing.case_id)
    newest = await unit.recordings.newest_publication(recording.id)
    return SeenRecording(recording, hearing, case, member, newest)


async def access_publication(
    unit: Unit, actor: Actor, publication_id: str
) -> tuple[Publication, SeenRecording]:
    """A publication through its recording's door, for everybody who is not the public."""
    publication = await unit.recordings.publication(PublicationId(publication_id))
    if publication is None:
        raise NotFound
    return publication, await access_recording(unit, actor, publication.recording_id)


@dataclass(frozen=True, slots=True)
class SeenExhibit:
    """An exhibit with its case, and what the person who looks is there."""

    exhibit: Exhibit
    case: Case
    viewer: Viewer
    capacity: Capacity


async def access_exhibits(
    unit: Unit, actor: Actor, case_id: str, action: Action, *, lock: bool = False
) -> tuple[Case, Viewer, Capacity]:
    """The door to all exhibits of a case; each is then asked by `may_see`. `lock` holds the case's act chain."""
    case, member = await access_member_case(unit, actor, case_id)
    viewer = viewer_of(case, actor.person_id)
    assert viewer is not None, "a member of the case has a place on it"
    capacity = capacity_of(actor.role, member.role)
    require(capacity, action)
    if lock:
        await unit.acts.lock_head(case.id)
    return case, viewer, capacity


async def access_exhibit(
    unit: Unit, actor: Actor, exhibit_id: str, action: Action, *, lock: bool = False
) -> SeenExhibit:
    """The one door to an exhibit. NotFound for whom it doesn't exist, before anything is said about rights.

    With `lock` the case's act chain is held first and the exhibit read behind it: two changes never cross.
    """
    found = await unit.exhibits.get(ExhibitId(exhibit_id))
    if found is None:
        raise NotFound
    case, member = await access_member_case(unit, actor, found.case_id)
    if lock:
        await unit.acts.lock_head(case.id)
        found = await unit.exhibits.get(found.id)
    viewer = viewer_of(case, actor.person_id)
    if found is None or viewer is None or may_see(found, viewer) is Sight.NOTHING:
        raise NotFound
    capacity = capacity_of(actor.role, member.role)
    require(capacity, action)
    return SeenExhibit(found, case, viewer, capacity)
