"""Watching a finished record: the film in marked pieces, the moments to jump to, and who may take the file.

Nobody watches the bare film by default: each viewer's name and the time are burnt into what that viewer gets, and each
minute of the film that somebody is given is an act, written before its first byte leaves.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hearing_server.domain.acts import Act, ActKind
from hearing_server.domain.roles import Action, Capacity, can, require
from hearing_server.domain.trust.act_readers import ActReader
from hearing_server.errors import NotFound
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Actor, Clock, PersonId
from hearing_server.ports.replays import PieceMarker
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenRecording, access_recording
from hearing_server.services.acts import record_act
from hearing_server.services.recording.record_folders import RecordFolders

PIECE_S: Final = 6.0
_MINUTE_S: Final = 60.0
# Minutes given to sessions; the oldest is forgotten, its next piece is one more act.
_MAX_GIVEN: Final = 50_000
_STRETCH: Final = 500
# What a court looks for in a film; the rest of the log would only hide it.
_NOTED: Final = frozenset(
    {
        ActKind.HEARING_OPENED, ActKind.HEARING_RECESSED, ActKind.HEARING_RESUMED, ActKind.HEARING_CLOSED,
        ActKind.HEARING_REOPENED, ActKind.PARTICIPANT_JOINED, ActKind.PARTICIPANT_LEFT,
        ActKind.PARTICIPANT_REMOVED, ActKind.PARTICIPANT_REMOVAL_LIFTED, ActKind.PARTICIPANT_MUTED,
        ActKind.RECORDING_STALLED, ActKind.RECORDING_RECOVERED,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """A moment of the film. `kind`: an act's kind; `people`: names it speaks of."""

    at_s: float
    at: datetime
    kind: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stretch of the film: hearing, pause (`reason` says which), break, sealed, cut."""

    from_s: float
    until_s: float
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Speech:
    """Somebody speaks."""

    name: str
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Replay:
    """What a viewer sees beside the picture."""

    seen: SeenRecording
    duration_s: float
    chapters: tuple[Chapter, ...]
    notes: tuple[Note, ...]
    speech: tuple[Speech, ...]
    may_download: bool
    may_release: bool


class Replays:
    """Use-cases of the replay page."""

    def __init__(
        self, units: Units, clock: Clock, profile: CourtProfile, folders: RecordFolders, marker: PieceMarker
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._folders = folders
        self._marker = marker
        self._given: OrderedDict[tuple[str, str, int], None] = OrderedDict()

    async def view(self, actor: Actor, recording_id: str) -> Replay:
        """Errors: NotFound, Forbidden, Conflict `film.not_ready`."""
        async with self._units.read() as unit:
            seen = await self._access(unit, actor, recording_id)
            film = self._folders.film(seen.recording)
            content = await asyncio.to_thread(_timeline, film)
            names = {person.person_id: person.name for person in seen.hearing.participants}
            notes = await self._notes(unit, actor, seen, content, names)
        capacity = seen.capacity(actor)
        return Replay(
            seen,
            seen.recording.film.duration_s or 0.0,
            tuple(_chapters(content)),
            notes,
            tuple(_speech(content, names)),
            may_download(seen, actor),
            can(capacity, Action.FILM_RELEASE),
        )

    async def playlist(self, actor: Actor, recording_id: str) -> str:
        """The list of pieces (RFC 8216). Errors as `view`."""
        async with self._units.read() as unit:
            seen = await self._access(unit, actor, recording_id)
            self._folders.film(seen.recording)
        duration_s = seen.recording.film.duration_s or 0.0
        count = max(1, math.ceil(duration_s / PIECE_S - 1e-6))
        lines = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{math.ceil(PIECE_S)}"]
        lines += ["#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS"]
        for number in range(count):
            seconds = min(PIECE_S, duration_s - number * PIECE_S)
            lines += [f"#EXTINF:{seconds:.3f},", f"film-{number}.ts"]
        return "\n".join([*lines, "#EXT-X-ENDLIST", ""])

    async def piece(self, actor: Actor, recording_id: str, number: int) -> bytes:
        """One marked piece. Errors as `view`; NotFound behind the end; Unavailable `replay.busy`, `replay.failed`."""
        now = self._clock.utc_now()
        from_s = number * PIECE_S
        minute = int(from_s // _MINUTE_S)
        async with self._units.read() as unit:
            seen = await self._access(unit, actor, recording_id)
            people = await unit.people.many([actor.person_id])
        film = self._folders.film(seen.recording)
        if from_s >= (seen.recording.film.duration_s or 0.0):
            raise NotFound
        await self._give(actor, seen, minute, now)
        local = now.astimezone(self._profile.time_zone)
        text = f"{people[actor.person_id].name} {actor.person_id[-6:]} {local:%Y-%m-%d %H:%M}"
        return await self._marker.piece(film, from_s=from_s, seconds=PIECE_S, text=text)

    async def release(self, actor: Actor, recording_id: str, *, allowed: bool) -> SeenRecording:
        """Let the case's parties take the bare file, or no longer. The order is an act."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_recording(unit, actor, recording_id)
            require(seen.capacity(actor), Action.FILM_RELEASE)
            recording = seen.recording.released(allowed)
            await unit.recordings.save(recording)
            kind = ActKind.FILM_RELEASED if allowed else ActKind.FILM_RELEASE_ENDED
            await record_act(
                unit, actor, kind=kind, chain_id=seen.case.id, at=now,
                payload={"recording_id": recording.id, "hearing_id": seen.hearing.id},
            )  # fmt: skip
        return SeenRecording(recording, seen.hearing, seen.case, seen.member, seen.publication)

    async def _access(self, unit: Unit, actor: Actor, recording_id: str) -> SeenRecording:
        seen = await access_recording(unit, actor, recording_id)
        require(seen.capacity(actor), Action.FILM_VIEW)
        return seen

    async def _give(self, actor: Actor, seen: SeenRecording, minute: int, now: datetime) -> None:
        """The minute is in the log before its bytes leave."""
        key = (actor.session_id, seen.recording.id, minute)
        if key in self._given:
            return
        async with self._units.write() as unit:
            await record_act(
                unit, actor, kind=ActKind.FILM_VIEWED, chain_id=seen.case.id, at=now,
                payload={
                    "recording_id": seen.recording.id, "hearing_id": seen.hearing.id,
                    "from_s": minute * int(_MINUTE_S), "until_s": (minute + 1) * int(_MINUTE_S),
                },
            )  # fmt: skip
        self._given[key] = None
        while len(self._given) > _MAX_GIVEN:
            self._given.popitem(last=False)

    async def _notes(
        self,
        unit: Unit,
        actor: Actor,
        seen: SeenRecording,
        content: dict[str, Any],
        names: dict[PersonId, str],
    ) -> tuple[Note, ...]:
        """The acts of this hearing that the viewer may read, on the film's time."""
        is_staff = seen.capacity(actor) not in (Capacity.PARTY, Capacity.REPRESENTATIVE)
        reader = ActReader(actor.person_id, is_staff, frozenset({seen.hearing.id}))
        found = []
        async for act in _acts(unit, seen.case.id):
            if act.kind not in _NOTED or act.payload.get("hearing_id") != seen.hearing.id:
                continue
            at_s = _film_s(content, act.at)
            if at_s is None or not reader.may_read(act):
                continue
            people = act.payload.get("person_ids")
            spoken_of = [PersonId(str(one)) for one in people] if isinstance(people, list) else []
            found.append(
                Note(at_s, act.at, act.kind.value, tuple(names[one] for one in spoken_of if one in names))
            )
        return tuple(found)


async def _acts(unit: Unit, chain_id: str) -> AsyncIterator[Act]:
    seq = 0
    while True:
        page = await unit.acts.after(chain_id, seq, _STRETCH)
        for act in page:
            yield act
        if len(page) < _STRETCH:
            return
        seq = page[-1].case_seq


def may_download(seen: SeenRecording, actor: Actor) -> bool:
    """The bare file: for the court, and for parties where the judge or the clerk let them."""
    return can(seen.capacity(actor), Action.FILM_DOWNLOAD) or seen.recording.parties_may_download


def _timeline(film: Path) -> dict[str, Any]:
    """The map that the composer wrote beside the film; a film without one has no moments."""
    try:
        content = json.loads(film.with_name(film.name + ".timeline.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _chapters(content: dict[str, Any]) -> Iterator[Chapter]:
    for piece in content.get("pieces", ()):
        yield Chapter(piece["film_from_s"], piece["film_until_s"], piece["kind"], piece["reason"])


def _speech(content: dict[str, Any], names: dict[PersonId, str]) -> Iterator[Speech]:
    for span in content.get("speech", ()):
        name = names.get(PersonId(span["identity"]))
        if name is not None:
            yield Speech(name, span["from_s"], span["until_s"])


def _film_s(content: dict[str, Any], at: datetime) -> float | None:
    """The film's second of a moment; a moment inside a card is the card's beginning."""
    for piece in content.get("pieces", ()):
        start, end = datetime.fromisoformat(piece["utc_from"]), datetime.fromisoformat(piece["utc_until"])
        if at < start:
            return float(piece["film_from_s"]) if (start - at).total_seconds() < _MINUTE_S else None
        if at <= end:
            if piece["kind"] != "hearing":
                return float(piece["film_from_s"])
            return float(piece["film_from_s"]) + (at - start).total_seconds()
    return None
