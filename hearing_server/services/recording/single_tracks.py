"""Single tracks of a film: whose camera, screen or voice there is, made on demand, watched like the film itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hearing_server.domain.recording.recordings import FilmState, Recording
from hearing_server.domain.recording.single_tracks import (
    KEPT_FOR,
    MOST_AT_ONCE,
    Shown,
    SingleTrack,
    TrackKey,
    ask,
    require_ready,
)
from hearing_server.errors import HearingError, Invalid, NotFound
from hearing_server.filing.cases import Label
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Actor, Clock, PersonId
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.media import FilmMaker
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenRecording
from hearing_server.services.recording.film_labels import film_labels, sealed_spans
from hearing_server.services.recording.film_map import FilmMap, OfferedTrack
from hearing_server.services.recording.marked_pieces import MarkedPieces, access_film, playlist_of
from hearing_server.services.recording.record_folders import RecordFolders

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SeenTrack:
    """A track as a viewer is offered it. `made`: what became of it, None as long as nobody asked."""

    offered: OfferedTrack
    name: str
    label: Label
    made: SingleTrack | None


class SingleTracks:
    """Use-cases of single tracks, and the job that makes them one at a time."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        profile: CourtProfile,
        maker: FilmMaker,
        folders: RecordFolders,
        pieces: MarkedPieces,
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._maker = maker
        self._folders = folders
        self._pieces = pieces

    async def list(self, actor: Actor, recording_id: str) -> list[SeenTrack]:
        """What there is to choose. Errors: NotFound, Forbidden, Conflict `film.not_ready`."""
        async with self._units.read() as unit:
            seen = await access_film(unit, actor, recording_id)
            return await self._seen(unit, seen)

    async def ask(
        self, actor: Actor, recording_id: str, wanted: Iterable[tuple[str, Shown]]
    ) -> list[SeenTrack]:
        """Have these made, at most `MOST_AT_ONCE`. Errors as `list`; NotFound; Invalid; those of domain `ask`."""
        asked = frozenset((PersonId(person_id), shown) for person_id, shown in wanted)
        if not 1 <= len(asked) <= MOST_AT_ONCE:
            raise Invalid(
                "track.too_many", zh="一次可选一至四路画面", en="One to four tracks can be chosen at a time"
            )
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_film(unit, actor, recording_id)
            offered = {(one.person_id, one.shown) for one in await self._offered(seen)}
            if not asked <= offered:
                raise NotFound
            waiting = len(await unit.single_tracks.waiting())
            for person_id, shown in sorted(asked):
                key = TrackKey(seen.recording.id, person_id, shown)
                known = await unit.single_tracks.get(key)
                track = ask(key, known, film_attempt=seen.recording.film.attempt, waiting=waiting, at=now)
                waiting += known is None or track.state is not known.state
                await unit.single_tracks.save(track)
                unit.ring(Doorbell("single_track_queued", key.recording_id))
            return await self._seen(unit, seen)

    async def playlist(self, actor: Actor, recording_id: str, person_id: str, shown: Shown, size: str) -> str:
        """The list of pieces, as long as the film's. Errors as `list`; Conflict `track.not_ready`."""
        key, seen = await self._ready(actor, recording_id, person_id, shown)
        async with self._units.write() as unit:
            known = await unit.single_tracks.get(key)
            if known is not None:
                await unit.single_tracks.save(known.watched(self._clock.utc_now()))
        return playlist_of(seen.recording.film.duration_s or 0.0, size)

    async def piece(
        self, actor: Actor, recording_id: str, person_id: str, shown: Shown, size: str, number: int
    ) -> bytes:
        """One marked piece. Errors as `playlist`, and those of MarkedPieces."""
        key, seen = await self._ready(actor, recording_id, person_id, shown)
        of_track = {"of_person_id": str(key.person_id), "shown": shown.value}
        path = self._folders.track(key)
        return await self._pieces.piece(actor, seen, path, number, size=size, of_track=of_track)

    async def make_due(self) -> int:
        """Job: make the track that has waited longest, unless a film waits; how many were taken."""
        await self._forget_unused()
        async with self._units.read() as unit:
            films = await unit.recordings.with_film((FilmState.QUEUED.value, FilmState.COMPOSING.value))
            waiting = await unit.single_tracks.waiting()
        return int(await self._make(waiting[0])) if waiting and not films else 0

    async def _ready(
        self, actor: Actor, recording_id: str, person_id: str, shown: Shown
    ) -> tuple[TrackKey, SeenRecording]:
        async with self._units.read() as unit:
            seen = await access_film(unit, actor, recording_id)
            self._folders.film(seen.recording)
            key = TrackKey(seen.recording.id, PersonId(person_id), shown)
            require_ready(await unit.single_tracks.get(key), seen.recording.film.attempt)
        return key, seen

    async def _offered(self, seen: SeenRecording) -> list[OfferedTrack]:
        """The film's tracks of people whom the hearing knows."""
        film = await asyncio.to_thread(FilmMap, self._folders.film(seen.recording))
        return [one for one in film.tracks() if seen.hearing.find(one.person_id) is not None]

    async def _seen(self, unit: Unit, seen: SeenRecording) -> list[SeenTrack]:
        made = {one.key: one for one in await unit.single_tracks.of_recording(seen.recording.id)}
        found = []
        for offered in await self._offered(seen):
            person = seen.hearing.find(offered.person_id)
            assert person is not None
            one = made.get(TrackKey(seen.recording.id, offered.person_id, offered.shown))
            is_now = one is not None and one.is_of(seen.recording.film.attempt)
            found.append(SeenTrack(offered, person.name, person.label, one if is_now else None))
        return found

    async def _make(self, track: SingleTrack) -> bool:
        async with self._units.read() as unit:
            recording = await unit.recordings.get(track.recording_id)
            hearing = await unit.hearings.get(recording.hearing_id) if recording else None
            case = await unit.cases.get(hearing.case_id) if hearing else None
        assert recording is not None
        assert hearing is not None
        assert case is not None

        async def progress(permille: int) -> None:
            await self._change(track, lambda one: one.composing(permille))

        await progress(0)
        single = {"identity": track.person_id, "shown": track.shown.value}
        try:
            made = await self._maker.track(
                self._folders.of(recording.id),
                self._folders.track(track.key),
                labels={**film_labels(self._profile, hearing, case), "single": single},
                redactions={"sealed_utc_ns": sealed_spans(hearing)},
                progress=progress,
            )
        except (HearingError, OSError) as error:
            reason = error.code if isinstance(error, HearingError) else type(error).__name__
            if reason == "film.in_work":
                # Another worker has it; this one looks again at its next turn.
                return False
            _log.exception("single track failed", extra={"recording": recording.id})
            await self._change(track, lambda one: one.failed(reason))
            return True
        film_s = _length(recording)
        await self._change(track, lambda one: one.ready(duration_s=made.duration_s, film_s=film_s))
        return True

    async def _change(self, track: SingleTrack, change: Callable[[SingleTrack], SingleTrack]) -> None:
        """The stored track changed, if it is still the one in work: the film may have been composed anew."""
        async with self._units.write() as unit:
            current = await unit.single_tracks.get(track.key)
            if current is not None and current.is_of(track.film_attempt):
                await unit.single_tracks.save(change(current))

    async def _forget_unused(self) -> None:
        before = self._clock.utc_now() - KEPT_FOR
        async with self._units.read() as unit:
            unused = await unit.single_tracks.unused_since(before)
        for track in unused:
            await asyncio.to_thread(_discard, self._folders.track(track.key))
            async with self._units.write() as unit:
                await unit.single_tracks.remove(track.key)


def _length(recording: Recording) -> float:
    return recording.film.duration_s or 0.0


def _discard(film: Path) -> None:
    """The file and what stands beside it."""
    for path in film.parent.glob(f"{film.name}*"):
        path.unlink(missing_ok=True)
