"""The manifest: what a recording holds, what it lacks, and the digests that bind both.

Everything in it is computed from the segments; it can be thrown away and built again. All `*_ns` of this
file are on the hearing clock (ns since the recording began) unless they say otherwise.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from recorder.clock import ClockRun, ClockStep, HearingClock
from recorder.folder import MANIFEST_NAME
from recorder.journal import compact_json
from signaling.sink import TrackInfo

MANIFEST_FORMAT = 1
_Row = TypeVar("_Row")


class GapCause(StrEnum):
    """Why a stretch of a track holds no media."""

    NETWORK = "network"  # packets were sent and did not arrive, or the transport was lost
    SENDER_STALL = "sender_stall"  # the sender's clock shows that nothing was captured or sent
    MUTE = "mute"
    HOLD = "hold"  # the room forwarded nothing
    RECESS = "recess"  # the record itself was paused for a recess
    DEVICE = "device"  # camera or microphone gone
    CRASH = "crash"  # the recording process died
    DISK = "disk"  # the disk refused
    OVERLOAD = "overload"  # the writer's queue was full, or the server too busy to fill it
    POLICY = "policy"  # the record was paused by order: closed exhibit, mediation
    NOT_WANTED = (
        "not_wanted"  # the room told the sender to rest this simulcast layer; a better one is on the record
    )
    DAMAGE = "damage"  # of the whole record: bytes that none of two recorders can read back
    ABSENT = "absent"  # the track did not exist yet or any more


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without media on one track. `track` is the track's number."""

    track: int
    cause: GapCause
    from_ns: int
    until_ns: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RecordedTrack:
    """One track as recorded. `number` is unique in the recording; a `track_id` may come back.

    recorded_ns + gap_ns = duration of the recording.
    """

    number: int
    info: TrackInfo
    started_ns: int
    ended_ns: int
    end_cause: str
    packets: int
    payload_bytes: int
    lost_packets: int
    recorded_ns: int
    gap_ns: int


@dataclass(frozen=True, slots=True)
class SealedSegment:
    """One sealed segment. `valid_bytes` < `size_bytes`: the writer gave the rest up after a failed sync.

    `sha256` and `records` are those of the valid bytes.
    """

    number: int
    name: str
    run: int
    size_bytes: int
    valid_bytes: int
    sha256: str
    previous_sha256: str
    first_ns: int
    last_ns: int
    records: int
    packets: int


@dataclass(frozen=True, slots=True)
class Pause:
    """The record was paused by order: recess, closed_exhibit or mediation. `until_ns` None: to the end."""

    code: str
    from_ns: int
    until_ns: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A log note at a moment of the recording."""

    kind: str
    text: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Incident:
    """Something the record suffered, whether or not media was lost: crash, disk, overload, damage."""

    kind: str
    from_ns: int
    until_ns: int
    detail: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole recording. `closed`: ended by close(), not by a crash."""

    recording_id: str
    duration_ns: int
    closed: bool
    runs: tuple[ClockRun, ...]
    clock_steps: tuple[ClockStep, ...]
    segments: tuple[SealedSegment, ...]
    tracks: tuple[RecordedTrack, ...]
    gaps: tuple[Gap, ...]
    pauses: tuple[Pause, ...]
    marks: tuple[Mark, ...]
    incidents: tuple[Incident, ...]

    @property
    def clock(self) -> HearingClock:
        """Hearing clock to UTC."""
        return HearingClock(self.runs)

    @property
    def root_sha256(self) -> str:
        """SHA-256 over the canonical JSON of everything else; the segments' digests are inside."""
        return hashlib.sha256(compact_json(self._body())).hexdigest()

    def to_json(self) -> str:
        """Indented JSON with the root digest; numbers beyond 2^53 are written as strings (RFC 7493 2.2)."""
        body = self._body() | {"root_sha256": self.root_sha256}
        return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = asdict(self)
        body |= {"format": MANIFEST_FORMAT, "started_utc": self.clock.utc(0).isoformat()}
        for run in body["runs"]:
            run["monotonic_ns"], run["utc_ns"] = str(run["monotonic_ns"]), str(run["utc_ns"])
        return body

    @staticmethod
    def load(folder: Path) -> Manifest:
        """Read `manifest.json` of a recording's folder. FileNotFoundError, ManifestError."""
        return Manifest.from_json((folder / MANIFEST_NAME).read_text(encoding="utf-8"))

    @staticmethod
    def from_json(text: str) -> Manifest:
        """The manifest from its JSON text. ManifestError, also when the root digest does not match."""
        try:
            body = json.loads(text)
            manifest = _manifest_of(body)
            stated = body["root_sha256"]
        except (ValueError, KeyError, TypeError) as error:
            raise ManifestError(f"not a manifest: {error!r}") from error
        if manifest.root_sha256 != stated:
            raise ManifestError("root digest does not match the content")
        return manifest


class ManifestError(ValueError):
    """The manifest file is damaged or of an unknown format."""


def _manifest_of(body: dict[str, Any]) -> Manifest:
    if body["format"] != MANIFEST_FORMAT:
        raise ManifestError(f"manifest format {body['format']}")
    exact = [{name: int(run[name]) for name in ("monotonic_ns", "utc_ns")} for run in body["runs"]]
    runs = [run | numbers for run, numbers in zip(body["runs"], exact, strict=True)]
    tracks = [track | {"info": _exact(TrackInfo, track["info"])} for track in body["tracks"]]
    gaps = [gap | {"cause": GapCause(gap["cause"])} for gap in body["gaps"]]
    return Manifest(
        recording_id=body["recording_id"],
        duration_ns=body["duration_ns"],
        closed=body["closed"],
        runs=tuple(_exact(ClockRun, run) for run in runs),
        clock_steps=tuple(_exact(ClockStep, step) for step in body["clock_steps"]),
        segments=tuple(_exact(SealedSegment, segment) for segment in body["segments"]),
        tracks=tuple(_exact(RecordedTrack, track) for track in tracks),
        gaps=tuple(_exact(Gap, gap) for gap in gaps),
        pauses=tuple(_exact(Pause, pause) for pause in body["pauses"]),
        marks=tuple(_exact(Mark, mark) for mark in body["marks"]),
        incidents=tuple(_exact(Incident, incident) for incident in body["incidents"]),
    )


def _exact(cls: type[_Row], content: dict[str, Any]) -> _Row:
    return cls(**content)
