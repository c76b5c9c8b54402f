"""The media plane as the court floor sees it: rooms and recorders, asynchronous, plain data only.

A room's name is the hearing's id, an identity is a person's id: the media floor knows neither words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hearing_server.kernel import HearingId, PersonId, RecordingId
from hearing_server.ports.room_media import RoomMedia


@dataclass(frozen=True, slots=True)
class TrackSeen:
    source: str
    kind: str
    muted: bool
    by_court: bool


@dataclass(frozen=True, slots=True)
class SeatSeen:
    """One person in a room."""

    identity: PersonId
    tracks: tuple[TrackSeen, ...]


@dataclass(frozen=True, slots=True)
class SeatTaken:
    """A seat in the room: `seat` is the secret handle of this connection."""

    seat: str
    identity: PersonId
    participants: tuple[SeatSeen, ...]
    held: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A subscription offer for one seat; `tracks` are (mid, identity, source, kind)."""

    seat: str
    version: int
    sdp: str
    tracks: tuple[tuple[str, str, str, str], ...]

    def as_said(self) -> dict[str, object]:
        """As browsers get it, `subscription_offered` of docs/PROTOCOL.md."""
        tracks = [
            {"mid": mid, "identity": identity, "source": source, "kind": kind}
            for mid, identity, source, kind in self.tracks
        ]
        return {"version": self.version, "sdp": self.sdp, "tracks": tracks}


@dataclass(frozen=True, slots=True)
class PathFacts:
    """What the server measured of a person's media path.

    "Up" is what the person sends, "down" what the person is sent. Loss in tenths of a percent (`loss_permille` is the
    worse direction), media in kbit/s, heights of the tallest picture on its way, 0 without one.
    """

    rtt_ms: int | None
    loss_permille: int | None
    transport: str | None
    jitter_ms: int | None = None
    loss_up_permille: int | None = None
    loss_down_permille: int | None = None
    up_kbps: int = 0
    down_kbps: int = 0
    up_height_px: int = 0
    down_height_px: int = 0


@dataclass(frozen=True, slots=True)
class PersonStanding:
    """Somebody who sits in a room now: the path in words of `domain.hearing.participants.Connection`.

    `seat_key` is that of the grant the seat was taken with: it names the session, also to a server started later.
    """

    seat: str
    seat_key: str
    identity: PersonId
    state: str
    facts: PathFacts
    tracks: tuple[TrackSeen, ...]


@dataclass(frozen=True, slots=True)
class RoomStanding:
    """A room as it stands now, for whoever has missed how it came so."""

    room: HearingId
    held: bool
    speaker: PersonId | None
    people: tuple[PersonStanding, ...]


class RoomEngine(Protocol):
    """Rooms of this node. Every method raises HearingError with the media floor's stable code."""

    async def standing(self) -> tuple[RoomStanding, ...]:
        """Every open room. After a start these are rooms that outlived the process that had opened them."""
        ...

    async def open_room(self, room: HearingId) -> None: ...
    async def close_room(self, room: HearingId, *, reason: str) -> None: ...
    async def hold_room(self, room: HearingId, *, held: bool) -> None: ...
    async def remove(self, room: HearingId, person: PersonId, *, reason: str) -> None: ...
    async def readmit(self, room: HearingId, person: PersonId) -> None: ...
    async def set_muted(
        self, room: HearingId, person: PersonId, *, source: str, muted: bool, by: PersonId
    ) -> None: ...
    def grant(
        self, room: HearingId, person: PersonId, *, seat_key: str, may_moderate: bool, standing: str
    ) -> str:
        """A signed join grant that must be used within a minute.

        `standing`: "bench" is always seen and heard, "party" by turns when a room is full, "observer" last.
        """
        ...

    async def join(self, grant: str, *, room: HearingId, person: PersonId) -> SeatTaken:
        """Take the seat of a grant that was given to this person for this room; another's grant changes nothing."""
        ...

    async def leave(self, seat: str, *, reason: str) -> None: ...
    async def publish(self, seat: str, *, sdp: str, sources: Mapping[str, str]) -> str: ...
    async def unpublish(self, seat: str, *, source: str) -> None: ...
    async def answer(self, seat: str, *, version: int, sdp: str) -> None: ...
    async def restart_subscription(self, seat: str) -> None: ...
    async def prefer(self, seat: str, *, identity: str, source: str, max_height_px: int) -> None: ...
    async def limit_pictures(self, seat: str, *, max_pictures: int | None) -> None: ...
    async def set_self_muted(self, seat: str, *, source: str, muted: bool) -> None: ...
    async def media(self, room: HearingId) -> RoomMedia:
        """What is measured of the room now; Unavailable `room.unknown` when none is open here."""
        ...


class RoomListener(Protocol):
    """What rooms tell the court floor; `state` and `device` are the words of domain/hearing/participants.py."""

    async def seat_taken(self, room: HearingId, person: PersonId) -> None: ...
    async def seat_left(self, room: HearingId, person: PersonId, reason: str) -> None: ...
    async def path_changed(self, room: HearingId, person: PersonId, state: str, facts: PathFacts) -> None: ...
    async def paths_measured(self, room: HearingId, paths: Mapping[PersonId, PathFacts]) -> None:
        """Every few seconds, of everybody seated there."""
        ...

    async def device_changed(self, room: HearingId, person: PersonId, source: str, device: str) -> None: ...
    async def speaker_changed(self, room: HearingId, person: PersonId | None) -> None: ...


class NodeListener(Protocol):
    """What happens to whole rooms when they live in processes of their own."""

    async def rooms_lost(self, rooms: tuple[HearingId, ...]) -> None:
        """The process they lived in is gone, with everybody's seats and whatever recorded them."""
        ...

    async def rooms_seen(self, rooms: tuple[RoomStanding, ...]) -> None:
        """News of these rooms were missed: this is how they stand."""
        ...


class SeatListener(Protocol):
    """What rooms tell one seat's browser; the sockets floor carries it there."""

    async def offered(self, offer: Offer) -> None: ...
    async def seat_ended(self, seat: str, reason: str) -> None: ...
    async def layers_wanted(self, seat: str, source: str, rids: tuple[str, ...] | None) -> None:
        """Send only these simulcast layers of the source; None: all, (): nothing until told otherwise."""
        ...

    async def pictures_changed(
        self, seat: str, shown: tuple[tuple[str, str], ...], because: str | None
    ) -> None:
        """The pictures (identity, source) the seat is sent now, and why not the others: "network", "count"."""
        ...


@dataclass(frozen=True, slots=True)
class RecorderWriting:
    """What one of a recording's recorders ("first", "second") says of itself."""

    name: str
    is_advancing: bool
    size_bytes: int
    failure: str | None
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Writing:
    """What is proven of a recording's bytes on disk; one of two `recorders` that advances makes the whole advance."""

    is_advancing: bool
    size_bytes: int
    tracks: int
    failure: str | None
    free_bytes: int
    is_paused: bool = False
    recorders: tuple[RecorderWriting, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordingStanding:
    """A recording that runs now, and the room it listens to."""

    recording_id: RecordingId
    room: HearingId | None
    writing: Writing


@dataclass(frozen=True, slots=True)
class SealedGap:
    """A stretch of one track without media, on the wall clock in ns since 1970."""

    identity: str
    source: str
    from_utc_ns: int
    until_utc_ns: int
    cause: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the sealed manifest says."""

    tracks: int
    segments: int
    size_bytes: int
    root_sha256: str
    gaps: tuple[SealedGap, ...]


@dataclass(frozen=True, slots=True)
class SealedPiece:
    """A sealed segment as it lies on the disk; `sha256` is hex."""

    number: int
    sha256: str
    size_bytes: int


class SealedSegments(Protocol):
    """Looks at a recording's folder while it is written. OSError."""

    async def after(self, folder: Path, number: int, limit: int) -> list[SealedPiece]:
        """The first `limit` sealed segments after this number, in order."""
        ...


class RecorderControl(Protocol):
    """Orders recordings. Errors: Unavailable with a `disk.…` or `recording.…` code."""

    async def standing(self) -> tuple[RecordingStanding, ...]:
        """Every recording that runs. After a start these outlived the process that had ordered them."""
        ...

    async def start(
        self, recording_id: RecordingId, folder: Path, *, second: Path | None, room: HearingId
    ) -> None:
        """Start writing where `room` lives, or go on in folders left by a crash; nothing is listened to yet.

        `second`: where another process writes the same, None for none. One of the two that refuses is no error.
        """
        ...

    async def listen(self, recording_id: RecordingId, room: HearingId) -> None:
        """Subscribe to the room: from here on what is forwarded there is recorded."""
        ...

    def writing(self, recording_id: RecordingId) -> Writing | None:
        """The proof of now; None when this node isn't recording it."""
        ...

    async def pause(self, recording_id: RecordingId, *, code: str) -> None: ...
    async def resume(self, recording_id: RecordingId) -> None: ...
    async def mark(self, recording_id: RecordingId, *, kind: str, text: str) -> None: ...
    async def seal(self, recording_id: RecordingId) -> Sealed:
        """Drain, sync, seal; the recording is over on this node."""
        ...

    async def let_go(self, recording_id: RecordingId) -> None:
        """Stop writing a recording that no hearing of ours knows; what is written stays where it is."""
        ...

    async def abandon(self, recording_id: RecordingId) -> None:
        """Stop and throw away what was written for a hearing that did not open."""
        ...


@dataclass(frozen=True, slots=True)
class FilmMade:
    """A finished film: where it lies and what it is."""

    path: Path
    duration_s: float
    size_bytes: int
    sha256: str


class PieceMaker(Protocol):
    """Makes pieces of films while their recordings run, in processes of its own, out of the rooms' way."""

    @property
    def folders(self) -> frozenset[Path]:
        """Recordings at work on now."""
        ...

    async def make(
        self, folder: Path, *, labels: Mapping[str, object], redactions: Mapping[str, object]
    ) -> None:
        """Begin with the recording in `folder`, or tell it what has changed. Nothing when somebody else composes it."""
        ...

    async def stop(self, folder: Path) -> None:
        """End; what is made stays for the film."""
        ...


class FilmMaker(Protocol):
    """Composes films in a process of its own."""

    async def compose(
        self,
        folder: Path,
        *,
        labels: Mapping[str, object],
        redactions: Mapping[str, object],
        progress: Callable[[int], Awaitable[None]],
    ) -> FilmMade:
        """Compose the sealed recording in `folder`; `progress(permille)` is awaited now and then.

        `redactions`: see docs/RECORD.md; here the court's account of sealed spans.
        Errors: Unavailable `film.failed` with the composer's own code in the text.
        """
        ...

    async def copy(
        self, folder: Path, target: Path, *, labels: Mapping[str, object], redactions: Mapping[str, object]
    ) -> FilmMade:
        """A redacted copy from the record itself, with its poster beside it. Errors as `compose`."""
        ...

    async def track(
        self,
        folder: Path,
        target: Path,
        *,
        labels: Mapping[str, object],
        redactions: Mapping[str, object],
        progress: Callable[[int], Awaitable[None]],
    ) -> FilmMade:
        """A film of one person's track alone (`single` in the labels), without a poster. Errors as `compose`."""
        ...

    async def duplicate(self, film: Path, target: Path, *, duration_s: float) -> FilmMade:
        """The same bytes under a name of their own, with their poster. Errors: OSError."""
        ...
