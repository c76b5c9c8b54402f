"""A recording, the film made of it, and its publication, which needs two officials.

Recording: `recording → sealed | failed`. Film: `none → queued → composing → ready | failed`, either end can be queued
again. Publication: `submitted → public | rejected`, `public → withdrawn`. The sealed original never changes.
Sources: 录音录像规定 arts 3-5, 12, 15; 直播录播规定 (法发〔2010〕48号) arts 2-5 (one case, one approval).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from hearing_server.errors import Conflict, Forbidden, Invalid
from hearing_server.filing.cases import Openness
from hearing_server.kernel import HearingId, PersonId, PublicationId, RecordingId

MAX_TITLE_CHARS = 100
MAX_CAUSE_CHARS = 60
MAX_REASON_CHARS = 200
# The alarm must reach the judge within 3 s of a stall (design 5.5), so proof older than 2 s is none.
PROOF_MAX_AGE_S = 2.0


class RecordingState(StrEnum):
    RECORDING = "recording"
    SEALED = "sealed"
    FAILED = "failed"


class FilmState(StrEnum):
    NONE = "none"
    QUEUED = "queued"
    COMPOSING = "composing"
    READY = "ready"
    FAILED = "failed"


class PublicationState(StrEnum):
    SUBMITTED = "submitted"
    PUBLIC = "public"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class WritingState(StrEnum):
    """The recording light of the hearing room."""

    IDLE = "idle"
    WRITING = "writing"
    PAUSED = "paused"
    STALLED = "stalled"
    FAILED = "failed"
    SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class WritingStatus:
    """What is known of the bytes on disk right now. `proven_at`: when they were last seen to advance."""

    state: WritingState = WritingState.IDLE
    # With its fraction: a look comes a little more than a second after the last, and two hours are 7000 looks.
    verified_s: float = 0.0
    alarm_code: str | None = None
    proven_at: datetime | None = None

    def is_proven(self, now: datetime) -> bool:
        """Bytes were seen advancing within the last two seconds."""
        is_good = self.state in (WritingState.WRITING, WritingState.PAUSED)
        return (
            is_good
            and self.proven_at is not None
            and now - self.proven_at <= timedelta(seconds=PROOF_MAX_AGE_S)
        )


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without record, with its cause (network, sender_stall, mute, device, crash, disk, policy)."""

    identity_name: str | None
    source: str | None
    start: datetime
    end: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Film:
    """`progress_permille` 0-1000 while composing; `attempt` counts from 1 with every time it is queued."""

    state: FilmState = FilmState.NONE
    progress_permille: int = 0
    duration_s: float | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    error: str | None = None
    attempt: int = 0

    def queued(self) -> Film:
        """Errors: Conflict `film.in_work` while a composition waits or runs."""
        if self.state in (FilmState.QUEUED, FilmState.COMPOSING):
            raise Conflict("film.in_work", zh="影像正在合成", en="The film is being composed")
        return Film(state=FilmState.QUEUED, attempt=self.attempt + 1)

    def composing(self, *, progress_permille: int) -> Film:
        """Progress never goes back."""
        self._require(FilmState.QUEUED, FilmState.COMPOSING)
        progress = min(1000, max(self.progress_permille, progress_permille))
        return replace(self, state=FilmState.COMPOSING, progress_permille=progress)

    def ready(self, *, duration_s: float, size_bytes: int, sha256: str) -> Film:
        self._require(FilmState.QUEUED, FilmState.COMPOSING)
        return Film(FilmState.READY, 1000, duration_s, size_bytes, sha256, None, self.attempt)

    def failed(self, error: str) -> Film:
        self._require(FilmState.QUEUED, FilmState.COMPOSING)
        return Film(FilmState.FAILED, self.progress_permille, error=error, attempt=self.attempt)

    def _require(self, *states: FilmState) -> None:
        if self.state not in states:
            raise Conflict(
                "film.wrong_state", zh="影像当前状态不支持此操作", en="The film isn't in that state"
            )


@dataclass(frozen=True, slots=True)
class Recording:
    """One hearing's recording. `root_sha256` (hex) comes with the seal and is what copies refer to."""

    id: RecordingId
    hearing_id: HearingId
    state: RecordingState
    started_at: datetime
    closed_at: datetime | None = None
    tracks: int = 0
    segments: int = 0
    size_bytes: int = 0
    root_sha256: str | None = None
    gaps: tuple[Gap, ...] = ()
    film: Film = Film()

    def sealed(
        self,
        *,
        at: datetime,
        tracks: int,
        segments: int,
        size_bytes: int,
        root_sha256: str,
        gaps: tuple[Gap, ...],
    ) -> Recording:
        """封存. A repeat with the same root (recovery after a crash) changes nothing; another root is a Conflict."""
        if self.state is RecordingState.SEALED and self.root_sha256 == root_sha256:
            return self
        self._require_running()
        return replace(
            self, state=RecordingState.SEALED, closed_at=at, tracks=tracks, segments=segments,
            size_bytes=size_bytes, root_sha256=root_sha256, gaps=gaps,
        )  # fmt: skip

    def failed(self, *, at: datetime) -> Recording:
        self._require_running()
        return replace(self, state=RecordingState.FAILED, closed_at=at)

    def _require_running(self) -> None:
        if self.state is not RecordingState.RECORDING:
            raise Conflict(
                "recording.not_running",
                zh="录音录像已结束，不能更改",
                en="The recording has ended and can't change",
            )


@dataclass(frozen=True, slots=True)
class Publication:
    """公开: what the public page will say, who asked, who decided. Cause and number as they were when submitted."""

    id: PublicationId
    recording_id: RecordingId
    state: PublicationState
    title: str
    cause: str
    case_number: str
    court_name: str
    held_on: date
    duration_s: float
    submitted_by: PersonId
    submitted_at: datetime
    decided_by: PersonId | None = None
    decided_at: datetime | None = None
    published_at: datetime | None = None
    reason: str | None = None

    @property
    def is_public(self) -> bool:
        return self.state is PublicationState.PUBLIC

    def confirmed(self, by: PersonId, *, at: datetime) -> Publication:
        """Errors: Forbidden `publication.same_person`; Conflict `publication.not_submitted`."""
        self._require_second_person(by)
        return replace(self, state=PublicationState.PUBLIC, decided_by=by, decided_at=at, published_at=at)

    def rejected(self, by: PersonId, *, at: datetime, reason: str) -> Publication:
        self._require_second_person(by)
        return replace(
            self, state=PublicationState.REJECTED, decided_by=by, decided_at=at, reason=_reason(reason)
        )

    def withdrawn(self, by: PersonId, *, at: datetime, reason: str) -> Publication:
        """Works at once, also on one that still waits; one person suffices: shielding people can't wait for a second.

        Errors: Conflict `publication.not_public`.
        """
        if self.state not in (PublicationState.PUBLIC, PublicationState.SUBMITTED):
            raise Conflict(
                "publication.not_public", zh="该录像未公开或已撤回", en="It isn't public, or was withdrawn"
            )
        return replace(
            self, state=PublicationState.WITHDRAWN, decided_by=by, decided_at=at, reason=_reason(reason)
        )

    def _require_second_person(self, by: PersonId) -> None:
        if self.state is not PublicationState.SUBMITTED:
            raise Conflict(
                "publication.not_submitted", zh="该申报已处理", en="This publication has been decided"
            )
        if by == self.submitted_by:
            raise Forbidden(
                "publication.same_person",
                zh="公开录像须由另一名工作人员确认",
                en="Another official must decide on the publication",
            )


def submit_publication(
    recording: Recording,
    *,
    id: PublicationId,
    title: str,
    cause: str,
    case_number: str,
    court_name: str,
    openness: Openness,
    existing: Publication | None,
    by: PersonId,
    at: datetime,
    held_on: date,
) -> Publication:
    """申报公开. `held_on` is the court-local day; `existing` the recording's newest publication.

    Errors: Conflict `recording.not_sealed`, `film.not_ready`, `publication.closed_hearing`, `publication.exists`;
    Invalid `publication.title`, `publication.cause`.
    """
    title, cause = title.strip(), cause.strip()
    if not 1 <= len(title) <= MAX_TITLE_CHARS:
        raise Invalid(
            "publication.title", zh="标题应为 1 至 100 字", en="The title must have 1 to 100 characters"
        )
    if not 1 <= len(cause) <= MAX_CAUSE_CHARS:
        raise Invalid(
            "publication.cause", zh="案由应为 1 至 60 字", en="The cause must have 1 to 60 characters"
        )
    if openness is Openness.CLOSED:
        raise Conflict(
            "publication.closed_hearing",
            zh="不公开审理的案件不得公开录像",
            en="A closed hearing can't be published",
        )
    if recording.state is not RecordingState.SEALED:
        raise Conflict("recording.not_sealed", zh="录音录像尚未封存", en="The recording isn't sealed yet")
    if recording.film.state is not FilmState.READY or recording.film.duration_s is None:
        raise Conflict("film.not_ready", zh="影像尚未合成完成", en="The film isn't ready yet")
    if existing is not None and existing.state in (PublicationState.SUBMITTED, PublicationState.PUBLIC):
        raise Conflict(
            "publication.exists", zh="该录像已申报或已公开", en="It has been submitted or is public already"
        )
    return Publication(
        id, recording.id, PublicationState.SUBMITTED, title, cause, case_number, court_name, held_on,
        recording.film.duration_s, by, at,
    )  # fmt: skip


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_CHARS:
        raise Invalid(
            "publication.reason",
            zh="请填写理由（最多 200 字）",
            en="A reason of 1 to 200 characters is needed",
        )
    return reason
