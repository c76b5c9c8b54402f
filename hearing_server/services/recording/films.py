"""Films: composed from sealed records, in a process of their own, one at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.publishing.publications import PublicationState
from hearing_server.domain.recording.recordings import Film, FilmState, Recording
from hearing_server.domain.roles import Action, require
from hearing_server.errors import Conflict, HearingError
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Actor, Clock, RecordingId, system_actor
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.media import FilmMaker
from hearing_server.ports.units import Units
from hearing_server.services.access import SeenRecording, access_recording
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.lanes import post_card
from hearing_server.services.recording.film_labels import film_labels, sealed_spans
from hearing_server.services.recording.record_folders import RecordFolders

_log = logging.getLogger(__name__)


class Films:
    """The film of every sealed recording."""

    def __init__(
        self, units: Units, clock: Clock, profile: CourtProfile, maker: FilmMaker, folders: RecordFolders
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._maker = maker
        self._folders = folders

    async def compose_due(self) -> int:
        """Compose one queued film (or one a crash interrupted); how many were taken."""
        async with self._units.read() as unit:
            waiting = await unit.recordings.with_film((FilmState.QUEUED.value, FilmState.COMPOSING.value))
        if not waiting:
            return 0
        return int(await self._compose(waiting[0]))

    async def compose_again(self, actor: Actor, recording_id: str) -> SeenRecording:
        async with self._units.write() as unit:
            seen = await access_recording(unit, actor, recording_id)
            require(seen.capacity(actor), Action.FILM_COMPOSE)
            shown = seen.publication.state if seen.publication else None
            if shown in (PublicationState.SUBMITTED, PublicationState.PUBLIC):
                raise Conflict(
                    "film.published",
                    zh="影像已申报或已公开，须先撤回才能重新合成",
                    en="The film is submitted or public; withdraw it before composing it again",
                )
            again = replace(seen.recording, film=seen.recording.film.queued())
            await unit.recordings.save(again)
            unit.ring(Doorbell("film_queued", again.id))
        return SeenRecording(again, seen.hearing, seen.case, seen.member, seen.publication)

    async def _compose(self, recording: Recording) -> bool:
        async with self._units.read() as unit:
            hearing = await unit.hearings.get(recording.hearing_id)
            case = await unit.cases.get(hearing.case_id) if hearing else None
        assert hearing is not None
        assert case is not None
        actor = system_actor(self._profile.court.id)

        async def progress(permille: int) -> None:
            await self._change_film(recording.id, lambda film: film.composing(progress_permille=permille))

        await progress(0)
        try:
            made = await self._maker.compose(
                self._folders.of(recording.id),
                labels=film_labels(self._profile, hearing, case),
                redactions={"sealed_utc_ns": sealed_spans(hearing)},
                progress=progress,
            )
        except (HearingError, OSError) as error:
            reason = error.code if isinstance(error, HearingError) else type(error).__name__
            if reason == "film.in_work":
                # Another worker has it; this one looks again at its next turn.
                return False
            _log.exception("film failed", extra={"recording": recording.id})
            await self._change_film(recording.id, lambda film: film.failed(reason))
            async with self._units.write() as unit:
                await record_act(
                    unit, actor, kind=ActKind.FILM_FAILED, chain_id=case.id, at=self._clock.utc_now(),
                    payload={"recording_id": recording.id, "reason": reason},
                )  # fmt: skip
            return True
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            current = await unit.recordings.get(recording.id)
            assert current is not None
            film = current.film.ready(
                duration_s=made.duration_s, size_bytes=made.size_bytes, sha256=made.sha256
            )
            await unit.recordings.save(replace(current, film=film))
            await record_act(
                unit, actor, kind=ActKind.FILM_READY, chain_id=case.id, at=now,
                payload={"recording_id": recording.id, "source_sha256": current.root_sha256},
                objects=(ActObject(made.sha256, made.size_bytes),),
            )  # fmt: skip
            await post_card(
                unit, case.id, Card.RECORDING_AVAILABLE,
                {"hearing_id": hearing.id, "recording_id": recording.id}, now=now,
            )  # fmt: skip
            unit.ring(Doorbell("case_changed", case.id))
        return True

    async def _change_film(self, recording_id: RecordingId, change: Callable[[Film], Film]) -> None:
        async with self._units.write() as unit:
            recording = await unit.recordings.get(recording_id)
            assert recording is not None
            await unit.recordings.save(replace(recording, film=change(recording.film)))
