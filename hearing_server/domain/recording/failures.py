"""故障说明: what went wrong with a recording, drafted by the server from facts, signed by the judge with remarks.

It is open while it lasts, over when it has ended, and signed at any time after it was noticed; the end of a
failure that was signed while open is still written beside it. Sources: 录音录像规定 arts 3-4 (技术故障 … 应当在案说明).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum

from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import CaseId, FailureId, HearingId, PersonId, RecordingId

MAX_REMARKS_CHARS = 1000


class FailureKind(StrEnum):
    """The first four are of somebody's line, found in the content; the others of writing."""

    SILENT = "silent"
    FROZEN = "frozen"
    MISSING = "missing"
    UNDECODABLE = "undecodable"
    STALLED = "stalled"
    FAILED = "failed"
    ONE_RECORDER = "one_recorder"


OF_CONTENT = frozenset({FailureKind.SILENT, FailureKind.FROZEN, FailureKind.MISSING, FailureKind.UNDECODABLE})


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure. `person_id`, `source`: whose line, None for the whole recording. `cause`: a code, None: unknown.

    `began_at`: since when the record is affected, `noticed_at`: when the watcher saw it.
    """

    id: FailureId
    hearing_id: HearingId
    recording_id: RecordingId
    case_id: CaseId
    kind: FailureKind
    person_id: PersonId | None
    source: str | None
    began_at: datetime
    noticed_at: datetime
    ended_at: datetime | None = None
    cause: str | None = None
    remarks: str = ""
    signed_by: PersonId | None = None
    signed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    @property
    def is_signed(self) -> bool:
        return self.signed_at is not None

    def ended(self, at: datetime) -> Failure:
        """It is over; a second word changes nothing."""
        return self if self.ended_at is not None else replace(self, ended_at=max(at, self.began_at))

    def signed(self, by: PersonId, *, at: datetime, remarks: str) -> Failure:
        """Errors: Conflict `failure.signed`; Invalid `failure.remarks`."""
        remarks = remarks.strip()
        if self.is_signed:
            raise Conflict("failure.signed", zh="该故障说明已签署", en="This statement has been signed")
        if len(remarks) > MAX_REMARKS_CHARS:
            raise Invalid(
                "failure.remarks", zh="补充说明最多 1000 字", en="The remarks may have 1000 characters"
            )
        return replace(self, remarks=remarks, signed_by=by, signed_at=at)


# --- the draft's words -------------------------------------------------------------------------------------

_SOURCES = {
    "microphone": ("声音", "sound"),
    "camera": ("画面", "picture"),
    "screen": ("共享画面", "shared screen"),
}
_TITLES = {
    FailureKind.SILENT: ("{who}正在发言，录音中没有声音", "{who} is speaking and the recording is silent"),
    FailureKind.FROZEN: ("{who}的{what}在录像中静止不动", "{who}'s {what} stands still in the recording"),
    FailureKind.MISSING: ("{who}的{what}没有录到", "{who}'s {what} isn't recorded"),
    FailureKind.UNDECODABLE: ("{who}的{what}无法解码", "{who}'s {what} can't be decoded"),
    FailureKind.STALLED: ("录音录像写入停滞", "The recording has stopped being written"),
    FailureKind.FAILED: ("录音录像故障", "The recording has failed"),
    FailureKind.ONE_RECORDER: (
        "两路录制中的一路停止写入，另一路仍在录制",
        "One of two recorders has stopped; the other still records",
    ),
}
_CAUSES = {
    "recording.stalled": ("写入程序停滞", "the writer stands still"),
    "recording.disk_full": ("存储空间已满", "the disk is full"),
    "recording.failed": ("存储读写出错", "the storage failed"),
    "disk.full": ("存储空间已满", "the disk is full"),
    "disk.read_only": ("存储目录只读", "the storage is read-only"),
    "disk.io": ("存储设备读写出错", "the storage device failed"),
}
_UNKNOWN = ("原因不明", "cause unknown")


def title_of(failure: Failure, who: str, *, language: str) -> str:
    """The alarm in one plain sentence."""
    at = 0 if language.startswith("zh") else 1
    what = _SOURCES.get(failure.source or "", ("音视频", "media"))[at]
    return _TITLES[failure.kind][at].format(who=who, what=what)


def cause_of(failure: Failure, *, language: str) -> str:
    """The cause in words, or that it is unknown."""
    return _CAUSES.get(failure.cause or "", _UNKNOWN)[0 if language.startswith("zh") else 1]


def draft_of(failure: Failure, who: str, *, zone: tzinfo, language: str) -> str:
    """The drafted statement: what, when (on the court's clock), cause. The judge adds remarks and signs."""
    title, cause = title_of(failure, who, language=language), cause_of(failure, language=language)
    began, noticed = (
        f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}" for moment in (failure.began_at, failure.noticed_at)
    )
    ended = f"{failure.ended_at.astimezone(zone):%H:%M:%S}" if failure.ended_at is not None else None
    if language.startswith("zh"):
        until = f"至 {ended} 恢复" if ended is not None else "尚未恢复"
        return f"{title}。自 {began} 起，{until}；{noticed} 由系统监测发现。{cause}。庭审录音录像原始文件未作任何修改。"
    until = f"until {ended}" if ended is not None else "and it lasts"
    return (
        f"{title}. Since {began}, {until}; noticed by the server's watch at {noticed}. Cause: {cause}."
        " The original recording has not been altered."
    )
