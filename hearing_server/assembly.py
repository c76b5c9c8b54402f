"""Putting the use-cases of a court together from its adapters; the composition root opens and runs them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from hearing_server.adapters.content_check import ContentChild
from hearing_server.adapters.films import ProcessFilms
from hearing_server.adapters.live_segments import ProcessSegments
from hearing_server.adapters.objects import StoredObjects
from hearing_server.adapters.pictures import PillowPictures
from hearing_server.adapters.sealed_segments import FolderSegments
from hearing_server.adapters.sms import SimulatedSms
from hearing_server.adapters.trust.ends import open_ends
from hearing_server.adapters.vault import FolderVault
from hearing_server.adapters.zip_packer import ZipPacker
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Clock
from hearing_server.ports.bus import EventBus
from hearing_server.ports.media import PieceMaker, RecorderControl, RoomEngine
from hearing_server.ports.replays import PieceMarker
from hearing_server.services.acts import ActLog
from hearing_server.services.case_space.attachments import Attachments
from hearing_server.services.case_space.case_space import CaseSpace
from hearing_server.services.case_space.group_commit import GroupCommit
from hearing_server.services.cases.case_imports import CaseImports
from hearing_server.services.cases.cases import CaseFiling
from hearing_server.services.container import Services
from hearing_server.services.hearing.courtroom import Courtroom
from hearing_server.services.hearing.hearing_soon import HearingSoon
from hearing_server.services.hearing.hearings import Hearings
from hearing_server.services.identity.codes import Codes
from hearing_server.services.identity.invitations import Invitations
from hearing_server.services.identity.sessions import Sessions
from hearing_server.services.publishing.broadcasts import Broadcasts
from hearing_server.services.publishing.public_copies import PublicCopies
from hearing_server.services.publishing.public_films import PublicFilms
from hearing_server.services.publishing.publications import Publications
from hearing_server.services.recording.archives import Archives
from hearing_server.services.recording.content_watch import ContentWatch
from hearing_server.services.recording.failures import FailureStatements
from hearing_server.services.recording.films import Films
from hearing_server.services.recording.live_films import LiveFilms
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.recording.recorder_watch import RecorderWatch
from hearing_server.services.recording.recordings import Recordings
from hearing_server.services.recording.replays import Replays
from hearing_server.services.recording.sealing import Sealing
from hearing_server.services.reminding.notices import NoticeRelay
from hearing_server.services.reminding.outbox import Outbox
from hearing_server.services.reminding.reminders import Reminding
from hearing_server.services.trust.act_receipts import ActReceipts
from hearing_server.services.trust.checkpoints import Checkpoints
from hearing_server.services.trust.log_keeping import LogKeeping
from hearing_server.services.trust.public_log import PublicLog
from hearing_server.services.trust.segment_acts import SegmentActs
from hearing_server.services.trust.time_stamps import TimeStamps
from hearing_server.settings import Settings
from hearing_server.storage.unit_of_work import SqlUnits


@dataclass(slots=True)
class SiteAddress:
    """How browsers reach us; known once the site listens (port 0), used in links people get."""

    url: str = ""

    def link(self, token: str) -> str:
        return f"{self.url}/j/{token}"


def recorder_watch(
    settings: Settings,
    units: SqlUnits,
    clock: Clock,
    bus: EventBus,
    recorders: RecorderControl,
    profile: CourtProfile,
) -> RecorderWatch:
    return RecorderWatch(
        units, clock, bus, recorders, folders=RecordFolders(settings.recordings_dir, settings.second_recordings_dir),
        reserve_bytes=settings.storage.reserve_bytes, court_id=profile.court.id,
    )  # fmt: skip


def content_watch(
    settings: Settings,
    units: SqlUnits,
    clock: Clock,
    bus: EventBus,
    watch: RecorderWatch,
    profile: CourtProfile,
) -> ContentWatch:
    """Without a look into contents where the settings say so; failures of writing get their statements all the same."""
    check = ContentChild() if settings.recorder.check_content else None
    folders = RecordFolders(settings.recordings_dir, settings.second_recordings_dir)
    return ContentWatch(units, clock, check, watch, folders, bus, profile.court.id)


def log_keeping(
    settings: Settings, units: SqlUnits, clock: Clock, profile: CourtProfile, stack: AsyncExitStack
) -> LogKeeping:
    trust, court_id = settings.trust, profile.court.id
    ends = open_ends(trust, signer_dir=settings.signer_dir, court_id=court_id)
    stack.push_async_callback(ends.close)
    keys = tuple(witness.key for witness in ends.witnesses)
    every_s = trust.checkpoint_every_s
    return LogKeeping(
        Checkpoints(units, clock, ends.origin, ends.signer, ends.witnesses, first_after_s=every_s),
        TimeStamps(units, clock, ends.authority, trust.tsa_every_s),
        ActReceipts(units, keys),
        SegmentActs(
            units,
            clock,
            court_id,
            RecordFolders(settings.recordings_dir, settings.second_recordings_dir),
            FolderSegments(),
        ),
        PublicLog(units, keys, trust.public_entries),
    )


def court_services(
    units: SqlUnits,
    vault: FolderVault,
    clock: Clock,
    bus: EventBus,
    profile: CourtProfile,
    rooms: RoomEngine,
    recorders: RecorderControl,
    watch: RecorderWatch,
    address: SiteAddress,
    objects: StoredObjects,
    marker: PieceMarker,
    log: LogKeeping,
    pieces: PieceMaker,
    settings: Settings,
) -> Services:
    codes = Codes(units, vault, clock)
    sessions = Sessions(units, vault, clock, codes)
    coming = Hearings(units, vault, clock, profile, address.link)
    filing = CaseFiling(units, vault, clock, profile, coming)
    folders = RecordFolders(settings.recordings_dir, settings.second_recordings_dir)
    films, reminding = ProcessFilms(), Reminding(units, vault, clock, profile)
    return Services(
        profile=profile,
        sessions=sessions,
        invitations=Invitations(units, vault, clock, codes, sessions),
        cases=filing,
        case_imports=CaseImports(units, vault, clock, profile, filing),
        acts=ActLog(units),
        log=log,
        hearings=coming,
        courtroom=Courtroom(units, clock, bus, rooms, watch),
        recordings=Recordings(units, clock, folders),
        replays=Replays(units, clock, profile, folders, marker),
        sealing=Sealing(units, clock, profile, watch, recorders, rooms, folders, log.segments),
        films=Films(units, clock, profile, films, folders),
        live_films=LiveFilms(
            units, clock, profile, pieces, folders, is_wanted=settings.recorder.film_share > 0
        ),
        publications=Publications(units, clock, profile, folders, reminding),
        public_copies=PublicCopies(units, clock, profile, films, folders),
        public_films=PublicFilms(units, folders),
        broadcasts=Broadcasts(
            units, clock, profile, folders, ProcessSegments(), reminding, delay_s=settings.public.live_delay_s
        ),
        archives=Archives(
            units,
            clock,
            profile,
            objects,
            ZipPacker(),
            folders,
            log.receipts,
            spool=settings.storage.data_dir / "spool",
            check_days=settings.storage.archive_check_days,
        ),
        failures=FailureStatements(units, clock, watch, bus, profile.time_zone),
        relay=NoticeRelay(units, vault, clock, {"sms": SimulatedSms()}),
        outbox=Outbox(units, vault),
        space=CaseSpace(units, clock, GroupCommit(units), text_chars=settings.limits.text_chars),
        attachments=Attachments(
            units,
            clock,
            objects,
            PillowPictures(),
            spool=settings.storage.data_dir / "spool",
            limit_bytes=settings.limits.attachment_bytes,
            reserve_bytes=settings.storage.reserve_bytes,
        ),
        reminders=reminding,
        hearing_soon=HearingSoon(units, clock),
    )
