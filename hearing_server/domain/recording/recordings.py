"""A recording and the film made of it.

Recording: `recording → sealed | failed`. Film: `none → queued → composing → ready | failed`, either end can be queued
again. The sealed original never changes; who may see a copy of it in public: `publications.py`.
Sources: 录音录像规定 arts 3-5, 12, 15.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hearing_server.domain.recording.recorders import RecorderLight
from hearing_server.errors import Conflict
from hearing_server.kernel import HearingId, RecordingId

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
    # Empty where the hearing is recorded once.
    recorders: tuple[RecorderLight, ...] = ()

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
    parties_may_download: bool = False

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

    def released(self, allowed: bool) -> Recording:
        """Whether the case's parties may take the bare film with them."""
        return replace(self, parties_may_download=allowed)

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
