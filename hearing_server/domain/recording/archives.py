"""The archive package (归档) of one recording: made once everything is there, kept by class, read back by schedule.

`waiting → stored | failed`, and either end can be made again. A legal hold keeps a package whatever its class says.
Sources: 录音录像规定 arts 5, 12 (kept with the case file, as long as it); 诉讼档案: 永久, 长期 60 年, 短期 30 年.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import CaseId, PersonId, RecordingId

MAX_REASON_CHARS = 200
# A full disk or a store that sleeps is tried again soon, and then less and less often.
FIRST_RETRY_S = 60
LAST_RETRY_S = 6 * 3600
POSTPONED_S = 10


class Retention(StrEnum):
    PERMANENT = "permanent"
    LONG = "long"
    SHORT = "short"


YEARS: dict[Retention, int | None] = {Retention.PERMANENT: None, Retention.LONG: 60, Retention.SHORT: 30}


class ArchiveState(StrEnum):
    WAITING = "waiting"
    STORED = "stored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Hold:
    """封存保留: nobody destroys it before the hold is lifted."""

    by: PersonId
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Archive:
    """One recording's package. `sha256` is the package's, hex; `check_error` None: the last reading back was good."""

    recording_id: RecordingId
    case_id: CaseId
    state: ArchiveState
    retention: Retention
    due_at: datetime  # of the next making or reading back
    attempt: int = 0
    sha256: str | None = None
    size_bytes: int = 0
    files: int = 0
    made_at: datetime | None = None
    keep_until: date | None = None  # None: for ever
    error: str | None = None
    checked_at: datetime | None = None
    check_error: str | None = None
    hold: Hold | None = None

    def stored(
        self, *, sha256: str, size_bytes: int, files: int, at: datetime, day: date, check_s: float
    ) -> Archive:
        """It is in the store and was read back once. `day`: the court's calendar day of `at`."""
        years = YEARS[self.retention]
        return replace(
            self, state=ArchiveState.STORED, sha256=sha256, size_bytes=size_bytes, files=files, made_at=at,
            keep_until=None if years is None else _years_later(day, years), error=None, checked_at=at,
            check_error=None, due_at=at + timedelta(seconds=check_s), attempt=self.attempt + 1,
        )  # fmt: skip

    def failed(self, error: str, *, at: datetime) -> Archive:
        """It is tried again, after twice the time of the last try."""
        wait_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(self.attempt, 16))
        return replace(
            self, state=ArchiveState.FAILED, error=error, attempt=self.attempt + 1,
            due_at=at + timedelta(seconds=wait_s),
        )  # fmt: skip

    def postponed(self, why: str, *, at: datetime) -> Archive:
        """Nothing failed: what it needs is on its way."""
        return replace(self, error=why, due_at=at + timedelta(seconds=POSTPONED_S))

    def checked(self, error: str | None, *, at: datetime, check_s: float) -> Archive:
        """The whole package was read back. A bad reading is repeated within the hour: it may have been the line."""
        wait_s = check_s if error is None else min(check_s, 3600.0)
        return replace(self, checked_at=at, check_error=error, due_at=at + timedelta(seconds=wait_s))

    def again(self, *, at: datetime) -> Archive:
        """Make it anew, say after the film was composed again; the package before stays in the store."""
        return replace(self, state=ArchiveState.WAITING, due_at=at, attempt=0, error=None)

    def held(self, by: PersonId, *, at: datetime, reason: str) -> Archive:
        """Errors: Conflict `archive.held`; Invalid `archive.reason`."""
        if self.hold is not None:
            raise Conflict("archive.held", zh="该档案已被保留", en="It is on hold already")
        return replace(self, hold=Hold(by, at, _reason(reason)))

    def released(self) -> Archive:
        """Errors: Conflict `archive.not_held`."""
        if self.hold is None:
            raise Conflict("archive.not_held", zh="该档案未被保留", en="It isn't on hold")
        return replace(self, hold=None)

    def may_be_destroyed(self, today: date) -> bool:
        """Its time is over and nobody holds it. Nothing here destroys: the archive office decides."""
        return self.hold is None and self.keep_until is not None and today > self.keep_until


def new_archive(recording_id: RecordingId, case_id: CaseId, *, retention: Retention, at: datetime) -> Archive:
    return Archive(recording_id, case_id, ArchiveState.WAITING, retention, due_at=at)


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_CHARS:
        raise Invalid(
            "archive.reason",
            zh="请填写理由（最多 200 字）",
            en="A reason of 1 to 200 characters is needed",
        )
    return reason
