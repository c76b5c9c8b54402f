"""Single tracks of a film: whose camera, screen or voice there is, made on demand, watched like the film itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hearing_server.domain.recording.recordings import FilmState
from hearing_server.domain.recording.single_tracks import (
    KEPT_FOR,
    MOST_AT_ONCE,
    Shown,
    SingleTrack,
    TrackKey,
    ask,
    require_ready,
)
from hearing_server.errors import Invalid, NotFound
from hearing_server.filing.cases import Label
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Actor, Clock, PersonId
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.media import FilmMaker
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenRecording
from hearing_server.services.recording.film_map import FilmMap, OfferedTrack
from hearing_server.services.recording.film_work import attempt, read_subject
from hearing_server.services.recording.marked_pieces import MarkedPieces, access_film, playlist_of
from hearing_server.services.recording.record_folders import RecordFolders


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

    async def choices(self, actor: Actor, recording_id: str) -> list[SeenTrack]:
        """What there is to choose. Errors: NotFound, Forbidden, Conflict `film.not_ready`."""
        async with self._units.read() as unit:
            seen = await access_film(unit, actor, recording_id)
            return await self._seen(unit, seen, await self._offered(seen))

    async def ask(
        self, actor: Actor, recording_id: str, wanted: Iterable[tuple[str, Shown]]
    ) -> list[SeenTrack]:
        """Have these made, at most `MOST_AT_ONCE`. Errors as `choices`; NotFound; Invalid; those of domain `ask`."""
        asked = frozenset((PersonId(person_id), shown) for person_id, shown in wanted)
        if not 1 <= len(asked) <= MOST_AT_ONCE:
            raise Invalid(
                "track.too_many", zh="一次可选一至四路画面", en="One to four tracks can be chosen at a time"
            )
        async with self._units.read() as unit:
            offers = await self._offered(await access_film(unit, actor, recording_id))
        if not asked <= {(one.person_id, one.shown) for one in offers}:
            raise NotFound
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_film(unit, actor, recording_id)
            waiting = len(await unit.single_tracks.waiting())
            for person_id, shown in sorted(asked):
                key = TrackKey(seen.recording.id, person_id, shown)
                known = await unit.single_tracks.get(key)
                track = ask(key, known, film_attempt=seen.recording.film.attempt, waiting=waiting, at=now)
                waiting += known is None or track.state is not known.state
                await unit.single_tracks.save(track)
                unit.ring(Doorbell("single_track_queued", key.recording_id))
            return await self._seen(unit, seen, offers)

    async def playlist(self, actor: Actor, recording_id: str, person_id: str, shown: Shown, size: str) -> str:
        """The list of pieces, as long as the film's. Errors as `choices`; Conflict `track.not_ready`."""
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

    async def _seen(self, unit: Unit, seen: SeenRecording, offers: Iterable[OfferedTrack]) -> list[SeenTrack]:
        made = {one.key: one for one in await unit.single_tracks.of_recording(seen.recording.id)}
        found = []
        for offered in offers:
            person = seen.hearing.find(offered.person_id)
            assert person is not None
            one = made.get(TrackKey(seen.recording.id, offered.person_id, offered.shown))
            is_now = one is not None and one.is_of(seen.recording.film.attempt)
            found.append(SeenTrack(offered, person.name, person.label, one if is_now else None))
        return found

    async def _make(self, track: SingleTrack) -> bool:
        subject = await read_subject(self._units, track.recording_id)
        single = {"identity": track.person_id, "shown": track.shown.value}

        async def progress(permille: int) -> None:
            await self._change(track, lambda one: one.composing(permille))

        await progress(0)
        done = await attempt(
            "single track",
            subject,
            lambda: self._maker.track(
                self._folders.of(track.recording_id),
                self._folders.track(track.key),
                labels={**subject.labels(self._profile), "single": single},
                redactions=subject.withheld(),
                progress=progress,
            ),
        )
        if done is None:
            return False
        film_s = subject.recording.film.duration_s or 0.0

        def outcome(one: SingleTrack) -> SingleTrack:
            if done.made is None:
                return one.failed(done.reason)
            return one.ready(duration_s=done.made.duration_s, film_s=film_s)

        await self._change(track, outcome)
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
            async with self._units.write() as unit:
                current = await unit.single_tracks.get(track.key)
                if current is None or current != track:
                    continue  # asked for in this very moment
                await unit.single_tracks.remove(track.key)
            await asyncio.to_thread(_discard, self._folders.track(track.key))


def _discard(film: Path) -> None:
    """The file and what stands beside it."""
    for path in film.parent.glob(f"{film.name}*"):
        path.unlink(missing_ok=True)
