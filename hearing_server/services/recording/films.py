"""Films: composed from sealed records, in a process of their own, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.progress.nodes import NodeKind
from hearing_server.domain.publishing.publications import PublicationState
from hearing_server.domain.recording.recordings import Film, FilmState, Recording
from hearing_server.domain.roles import Action, require
from hearing_server.errors import Conflict
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Actor, Clock, RecordingId, system_actor
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.media import FilmMaker
from hearing_server.ports.units import Units
from hearing_server.services.access import SeenRecording, access_recording
from hearing_server.services.acts import record_act
from hearing_server.services.progress.node_pushes import post_node
from hearing_server.services.recording.film_work import attempt, read_subject
from hearing_server.services.recording.record_folders import RecordFolders


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
        subject = await read_subject(self._units, recording.id)
        actor, case, hearing = system_actor(self._profile.court.id), subject.case, subject.hearing

        async def progress(permille: int) -> None:
            await self._change_film(recording.id, lambda film: film.composing(progress_permille=permille))

        await progress(0)
        done = await attempt(
            "film",
            subject,
            lambda: self._maker.compose(
                self._folders.of(recording.id),
                labels=subject.labels(self._profile),
                redactions=subject.withheld(),
                progress=progress,
            ),
        )
        if done is None:
            return False
        made = done.made
        if made is None:
            await self._change_film(recording.id, lambda film: film.failed(done.reason))
            async with self._units.write() as unit:
                await record_act(
                    unit, actor, kind=ActKind.FILM_FAILED, chain_id=case.id, at=self._clock.utc_now(),
                    payload={"recording_id": recording.id, "reason": done.reason},
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
            await post_node(
                unit, actor, case.id, NodeKind.RECORDING_AVAILABLE,
                {"hearing_id": hearing.id, "recording_id": recording.id}, key=recording.id, now=now,
            )  # fmt: skip
            unit.ring(Doorbell("case_changed", case.id))
        return True

    async def _change_film(self, recording_id: RecordingId, change: Callable[[Film], Film]) -> None:
        async with self._units.write() as unit:
            recording = await unit.recordings.get(recording_id)
            assert recording is not None
            await unit.recordings.save(replace(recording, film=change(recording.film)))
