"""Putting the use-cases of a court together from its adapters; the composition root opens and runs them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from hearing_server.adapters.clamd import Clamd
from hearing_server.adapters.content_check import ContentChild
from hearing_server.adapters.films import ProcessFilms
from hearing_server.adapters.inspection.workers import InspectionWorkers
from hearing_server.adapters.job_queue import TaskiqJobs
from hearing_server.adapters.live_segments import ProcessSegments
from hearing_server.adapters.notifying.channels import open_channels
from hearing_server.adapters.objects import StoredObjects
from hearing_server.adapters.printing.typst_printer import TypstPrinter
from hearing_server.adapters.sealed_segments import FolderSegments
from hearing_server.adapters.trust.ends import open_ends
from hearing_server.adapters.uploads.spool import FolderSpool
from hearing_server.adapters.vault import FolderVault
from hearing_server.adapters.zip_packer import ZipPacker
from hearing_server.domain.case_space.amendments import PostingRules
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Clock
from hearing_server.ports.bus import EventBus
from hearing_server.ports.media import PieceMaker, RecorderControl, RoomEngine
from hearing_server.ports.replays import PieceMarker
from hearing_server.services.acts import ActLog
from hearing_server.services.case_space.attachments import Attachments
from hearing_server.services.case_space.case_space import CaseSpace
from hearing_server.services.case_space.contact_requests import ContactDesk
from hearing_server.services.case_space.contact_todos import ContactTodos
from hearing_server.services.case_space.exports import Exports
from hearing_server.services.case_space.group_commit import GroupCommit
from hearing_server.services.case_space.indexing import SearchIndexing
from hearing_server.services.case_space.inspecting import Inspecting
from hearing_server.services.case_space.mentions import MentionNotices
from hearing_server.services.case_space.private_lanes import PrivateLanes
from hearing_server.services.case_space.search import Search
from hearing_server.services.case_space.uploads import Uploads
from hearing_server.services.case_space.whole import Talk
from hearing_server.services.case_space.withheld import Withheld
from hearing_server.services.cases.case_imports import CaseImports
from hearing_server.services.cases.cases import CaseFiling
from hearing_server.services.cases.representatives import Representatives
from hearing_server.services.container import Services
from hearing_server.services.exhibits.documents import ExhibitDocuments
from hearing_server.services.exhibits.todos import ExhibitTodos
from hearing_server.services.exhibits.whole import exhibit_services
from hearing_server.services.hearing.courtroom import Courtroom
from hearing_server.services.hearing.hearing_soon import HearingSoon
from hearing_server.services.hearing.hearings import Hearings
from hearing_server.services.identity.codes import Codes
from hearing_server.services.identity.invitations import Invitations
from hearing_server.services.identity.sessions import Sessions
from hearing_server.services.publishing.broadcasts import Broadcasts
from hearing_server.services.publishing.closed_doors import ClosingDoors
from hearing_server.services.publishing.public_copies import PublicCopies
from hearing_server.services.publishing.public_films import PublicFilms
from hearing_server.services.publishing.publications import Publications
from hearing_server.services.recording.archives import Archives
from hearing_server.services.recording.content_watch import ContentWatch
from hearing_server.services.recording.failures import FailureStatements
from hearing_server.services.recording.films import Films
from hearing_server.services.recording.live_films import LiveFilms
from hearing_server.services.recording.marked_pieces import MarkedPieces
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.recording.recorder_watch import RecorderWatch
from hearing_server.services.recording.recordings import Recordings
from hearing_server.services.recording.replays import Replays
from hearing_server.services.recording.sealing import Sealing
from hearing_server.services.recording.single_tracks import SingleTracks
from hearing_server.services.reminding.whole import Telling, telling
from hearing_server.services.trust.act_receipts import ActReceipts
from hearing_server.services.trust.checkpoints import Checkpoints
from hearing_server.services.trust.log_keeping import LogKeeping
from hearing_server.services.trust.public_log import PublicLog
from hearing_server.services.trust.segment_acts import SegmentActs
from hearing_server.services.trust.time_stamps import TimeStamps
from hearing_server.settings import Settings
from hearing_server.storage.unit_of_work import SqlUnits


def posting_rules(settings: Settings) -> PostingRules:
    return PostingRules(settings.limits.text_chars, settings.space.correction_s, settings.space.withdraw_s)


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


def file_services(settings: Settings, units: SqlUnits, clock: Clock, objects: StoredObjects) -> Attachments:
    """Files on their way, the look into them, and what people see of them; all three hang together."""
    looking, scratch = settings.inspection, settings.storage.data_dir / "spool"
    spool = FolderSpool(settings.uploads_dir, objects)
    inspection = InspectionWorkers(
        processes=looking.processes,
        memory_bytes=looking.memory_bytes,
        seconds=looking.seconds,
        office=looking.office,
    )
    scanner = Clamd(looking.clamd, max_bytes=looking.clamd_max_bytes) if looking.clamd else None
    uploads = Uploads(units, clock, spool, settings.limits, reserve_bytes=settings.storage.reserve_bytes)
    inspecting = Inspecting(
        units,
        clock,
        spool,
        objects,
        inspection,
        scanner,
        settings.limits,
        scratch=scratch,
        at_once=looking.processes,
    )
    return Attachments(units, clock, objects, uploads, inspecting, inspection, scratch=scratch)


def tell_people(
    settings: Settings,
    units: SqlUnits,
    vault: FolderVault,
    clock: Clock,
    profile: CourtProfile,
    address: SiteAddress,
) -> Telling:
    """Reminders and news with the channels, the queue and the court's rules of the settings."""
    channels = open_channels(
        settings.channels,
        keys=settings.storage.data_dir / "keys",
        public_url=settings.server.public_url,
    )
    return telling(
        units,
        vault,
        clock,
        profile,
        channels=channels.by_name,
        secrets=channels.secrets,
        push_key=channels.push_key,
        queue=TaskiqJobs.open(settings.storage.redis_url),
        address=lambda path: f"{address.url}{path}",
        documents={"exhibit": ExhibitDocuments()},
    )


def talk_services(
    settings: Settings,
    units: SqlUnits,
    vault: FolderVault,
    clock: Clock,
    profile: CourtProfile,
    address: SiteAddress,
    objects: StoredObjects,
    receipts: ActReceipts,
    printer: TypstPrinter,
) -> Talk:
    space = settings.space
    return Talk(
        private_lanes=PrivateLanes(units, clock),
        withheld=Withheld(units, clock),
        mentions=MentionNotices(
            units, vault, clock, profile, lambda: address.url, after_s=space.mention_notice_s
        ),
        contact_desk=ContactDesk(
            units, vault, clock, profile.court.id,
            per_day=space.contact_requests_per_day, due_h=space.contact_due_h,
        ),
        search=Search(units, clock),
        indexing=SearchIndexing(units),
        exports=Exports(
            units, clock, profile, objects, ZipPacker(), printer, receipts, spool=settings.storage.data_dir / "spool"
        ),
    )  # fmt: skip


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
    codes, line = Codes(units, vault, clock), GroupCommit(units)
    sessions = Sessions(units, vault, clock, codes, line)
    told = tell_people(settings, units, vault, clock, profile, address)
    coming = Hearings(units, vault, clock, profile, address.link, told.reminding)
    filing = CaseFiling(units, vault, clock, profile, coming)
    folders = RecordFolders(settings.recordings_dir, settings.second_recordings_dir)
    films = ProcessFilms()
    watched = MarkedPieces(units, clock, profile, marker)
    files = file_services(settings, units, clock, objects)
    printer = TypstPrinter()
    archives = Archives(
        units, clock, profile, objects, ZipPacker(), folders, log.receipts,
        spool=settings.storage.data_dir / "spool", check_days=settings.storage.archive_check_days,
    )  # fmt: skip
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
        replays=Replays(units, clock, folders, watched),
        single_tracks=SingleTracks(units, clock, profile, films, folders, watched),
        sealing=Sealing(units, clock, profile, watch, recorders, rooms, folders, log.segments),
        films=Films(units, clock, profile, films, folders),
        live_films=LiveFilms(
            units, clock, profile, pieces, folders, is_wanted=settings.recorder.film_share > 0
        ),
        publications=Publications(units, clock, profile, folders, told.reminding),
        public_copies=PublicCopies(units, clock, profile, films, folders),
        public_films=PublicFilms(units, folders),
        broadcasts=Broadcasts(
            units,
            clock,
            profile,
            folders,
            ProcessSegments(),
            told.reminding,
            delay_s=settings.public.live_delay_s,
        ),
        closing_doors=ClosingDoors(units, clock),
        archives=archives,
        failures=FailureStatements(units, clock, watch, bus, profile.time_zone),
        outbox=told.outbox,
        telling=told,
        todos=told.todos(units, clock, (ExhibitTodos(), ContactTodos())),
        space=CaseSpace(units, clock, line, posting_rules(settings)),
        talk=talk_services(settings, units, vault, clock, profile, address, objects, log.receipts, printer),
        representatives=Representatives(units, clock, filing, coming, rooms),
        uploads=files.uploads,
        inspecting=files.inspecting,
        attachments=files,
        reminders=told.reminding,
        exhibits=exhibit_services(units, clock, profile, told.reminding, printer),
        hearing_soon=HearingSoon(units, clock, profile),
    )
