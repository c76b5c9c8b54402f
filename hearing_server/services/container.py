"""The use-cases of one running server, handed to the delivery floor by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.filing.courts import CourtProfile
from hearing_server.services.acts import ActLog
from hearing_server.services.archives import Archives
from hearing_server.services.attachments import Attachments
from hearing_server.services.broadcasts import Broadcasts
from hearing_server.services.case_imports import CaseImports
from hearing_server.services.case_space import CaseSpace
from hearing_server.services.cases import CaseFiling
from hearing_server.services.courtroom import Courtroom
from hearing_server.services.failures import FailureStatements
from hearing_server.services.films import Films
from hearing_server.services.hearing_soon import HearingSoon
from hearing_server.services.hearings import Hearings
from hearing_server.services.invitations import Invitations
from hearing_server.services.live_films import LiveFilms
from hearing_server.services.log_keeping import LogKeeping
from hearing_server.services.notices import NoticeRelay
from hearing_server.services.outbox import Outbox
from hearing_server.services.public_copies import PublicCopies
from hearing_server.services.public_films import PublicFilms
from hearing_server.services.publications import Publications
from hearing_server.services.recordings import Recordings
from hearing_server.services.reminders import Reminding
from hearing_server.services.replays import Replays
from hearing_server.services.sealing import Sealing
from hearing_server.services.sessions import Sessions


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
    sealing: Sealing
    films: Films
    live_films: LiveFilms
    publications: Publications
    public_copies: PublicCopies
    public_films: PublicFilms
    broadcasts: Broadcasts
    archives: Archives
    failures: FailureStatements
    relay: NoticeRelay
    outbox: Outbox
    space: CaseSpace
    attachments: Attachments
    reminders: Reminding
    hearing_soon: HearingSoon
