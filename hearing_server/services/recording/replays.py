"""Watching a finished record: the film in marked pieces, the moments to jump to, and who may take the file.

Nobody watches the bare film by default: each viewer's name and the time are burnt into what that viewer gets, and each
minute of the film that somebody is given is an act, written before its first byte leaves.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hearing_server.domain.acts import ActKind
from hearing_server.domain.roles import Action, Capacity, can, require
from hearing_server.domain.trust.act_readers import ActReader
from hearing_server.kernel import Actor, Clock, PersonId
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenRecording, access_recording
from hearing_server.services.acts import record_act
from hearing_server.services.recording.film_map import Chapter, FilmMap, Speech
from hearing_server.services.recording.marked_pieces import MarkedPieces, access_film, playlist_of
from hearing_server.services.recording.record_folders import RecordFolders

# A hearing of a day in which ten people come and go every minute; the page shows no more.
_MOST_NOTES: Final = 10_000
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

    def __init__(self, units: Units, clock: Clock, folders: RecordFolders, pieces: MarkedPieces) -> None:
        self._units = units
        self._clock = clock
        self._folders = folders
        self._pieces = pieces

    async def view(self, actor: Actor, recording_id: str) -> Replay:
        """Errors: NotFound, Forbidden, Conflict `film.not_ready`."""
        async with self._units.read() as unit:
            seen = await access_film(unit, actor, recording_id)
            film = await asyncio.to_thread(FilmMap, self._folders.film(seen.recording))
            names = {person.person_id: person.name for person in seen.hearing.participants}
            notes = await self._notes(unit, actor, seen, film, names)
        capacity = seen.capacity(actor)
        return Replay(
            seen,
            seen.recording.film.duration_s or 0.0,
            tuple(film.chapters()),
            notes,
            tuple(film.speech(names)),
            may_download(seen, actor),
            can(capacity, Action.FILM_RELEASE),
        )

    async def playlist(self, actor: Actor, recording_id: str) -> str:
        """The list of pieces (RFC 8216). Errors as `view`."""
        async with self._units.read() as unit:
            seen = await access_film(unit, actor, recording_id)
            self._folders.film(seen.recording)
        return playlist_of(seen.recording.film.duration_s or 0.0, "film")

    async def piece(self, actor: Actor, recording_id: str, number: int) -> bytes:
        """One marked piece. Errors as `view`, and those of MarkedPieces."""
        async with self._units.read() as unit:
            seen = await access_film(unit, actor, recording_id)
        return await self._pieces.piece(actor, seen, self._folders.film(seen.recording), number)

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

    async def _notes(
        self, unit: Unit, actor: Actor, seen: SeenRecording, film: FilmMap, names: dict[PersonId, str]
    ) -> tuple[Note, ...]:
        """The acts of this hearing that the viewer may read, on the film's time."""
        is_staff = seen.capacity(actor) not in (Capacity.PARTY, Capacity.REPRESENTATIVE)
        reader = ActReader(actor.person_id, is_staff, frozenset({seen.hearing.id}))
        found = []
        for act in await unit.acts.of_hearing(seen.hearing.id, _NOTED, _MOST_NOTES):
            at_s = film.film_s(act.at)
            if at_s is None or not reader.may_read(act):
                continue
            people = act.payload.get("person_ids")
            spoken_of = [PersonId(str(one)) for one in people] if isinstance(people, list) else []
            found.append(
                Note(at_s, act.at, act.kind.value, tuple(names[one] for one in spoken_of if one in names))
            )
        return tuple(found)


def may_download(seen: SeenRecording, actor: Actor) -> bool:
    """The bare file: for the court, and for parties where the judge or the clerk let them."""
    return can(seen.capacity(actor), Action.FILM_DOWNLOAD) or seen.recording.parties_may_download
