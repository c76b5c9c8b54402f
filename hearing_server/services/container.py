"""The use-cases of one running server, handed to the delivery floor by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.filing.courts import CourtProfile
from hearing_server.services.acts import ActLog
from hearing_server.services.case_space.attachments import Attachments
from hearing_server.services.case_space.case_space import CaseSpace
from hearing_server.services.case_space.inspecting import Inspecting
from hearing_server.services.case_space.uploads import Uploads
from hearing_server.services.case_space.whole import Talk
from hearing_server.services.cases.case_imports import CaseImports
from hearing_server.services.cases.cases import CaseFiling
from hearing_server.services.cases.representatives import Representatives
from hearing_server.services.exhibits.whole import ExhibitServices
from hearing_server.services.hearing.courtroom import Courtroom
from hearing_server.services.hearing.hearing_soon import HearingSoon
from hearing_server.services.hearing.hearings import Hearings
from hearing_server.services.identity.invitations import Invitations
from hearing_server.services.identity.sessions import Sessions
from hearing_server.services.progress.todos import Todos
from hearing_server.services.publishing.broadcasts import Broadcasts
from hearing_server.services.publishing.closed_doors import ClosingDoors
from hearing_server.services.publishing.public_copies import PublicCopies
from hearing_server.services.publishing.public_films import PublicFilms
from hearing_server.services.publishing.publications import Publications
from hearing_server.services.recording.archives import Archives
from hearing_server.services.recording.failures import FailureStatements
from hearing_server.services.recording.films import Films
from hearing_server.services.recording.live_films import LiveFilms
from hearing_server.services.recording.recordings import Recordings
from hearing_server.services.recording.replays import Replays
from hearing_server.services.recording.sealing import Sealing
from hearing_server.services.recording.single_tracks import SingleTracks
from hearing_server.services.reminding.outbox import Outbox
from hearing_server.services.reminding.reminders import Reminding
from hearing_server.services.reminding.whole import Telling
from hearing_server.services.trust.log_keeping import LogKeeping


@dataclass(frozen=True, slots=True)
class Services:
    """One instance each; none knows the others but through its constructor."""

    profile: CourtProfile
    sessions: Sessions
    invitations: Invitations
    cases: CaseFiling
    case_imports: CaseImports
    acts: ActLog
    log: LogKeeping
    hearings: Hearings
    courtroom: Courtroom
    recordings: Recordings
    replays: Replays
    single_tracks: SingleTracks
    sealing: Sealing
    films: Films
    live_films: LiveFilms
    publications: Publications
    public_copies: PublicCopies
    public_films: PublicFilms
    broadcasts: Broadcasts
    closing_doors: ClosingDoors
    archives: Archives
    failures: FailureStatements
    outbox: Outbox
    space: CaseSpace
    talk: Talk
    representatives: Representatives
    uploads: Uploads
    inspecting: Inspecting
    attachments: Attachments
    reminders: Reminding
    telling: Telling
    todos: Todos
    exhibits: ExhibitServices
    hearing_soon: HearingSoon
