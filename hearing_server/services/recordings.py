"""From the closed hearing to the public film: seal, compose, review, publish with a second official, withdraw."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from hearing_server.domain import recordings as domain
from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.hearings import Hearing, HearingState
from hearing_server.domain.messages import Card
from hearing_server.domain.recordings import (
    Film,
    FilmState,
    Gap,
    Publication,
    PublicationState,
    Recording,
    RecordingState,
)
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import Conflict, HearingError, NotFound, Unavailable
from hearing_server.filing.cases import Case, CaseMember
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, Clock, PublicationId, RecordingId, Role, new_id, system_actor
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.media import FilmMaker, RecorderControl, RoomEngine, Sealed
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_case
from hearing_server.services.acts import record_act
from hearing_server.services.cases import enter_docket
from hearing_server.services.lanes import post_card
from hearing_server.services.recorder_watch import RecorderWatch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SeenRecording:
    """A recording with everything its page shows."""

    recording: Recording
    hearing: Hearing
    case: Case
    member: CaseMember | None
    publication: Publication | None


class Recordings:
    """Use-cases of finished records."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        profile: CourtProfile,
        watch: RecorderWatch,
        recorder: RecorderControl,
        rooms: RoomEngine,
        films: FilmMaker,
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._watch = watch
        self._recorder = recorder
        self._rooms = rooms
        self._films = films

    # --- jobs --------------------------------------------------------------------------------

    async def seal_due(self) -> int:
        """Seal the recordings of hearings whose minute to undo the closing is over; how many."""
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            due = []
            for recording in await unit.recordings.in_state(RecordingState.RECORDING):
                hearing = await unit.hearings.get(recording.hearing_id)
                if hearing is not None and hearing.state is HearingState.CLOSED and hearing.is_final(now):
                    due.append((recording, hearing))
        for recording, hearing in due:
            await self._seal(recording, hearing)
        return len(due)

    async def compose_due(self) -> int:
        """Compose one queued film (or one a crash interrupted); how many were taken."""
        async with self._units.read() as unit:
            waiting = await unit.recordings.with_film((FilmState.QUEUED.value, FilmState.COMPOSING.value))
        if not waiting:
            return 0
        return int(await self._compose(waiting[0]))

    async def _seal(self, recording: Recording, hearing: Hearing) -> None:
        if self._recorder.writing(recording.id) is None:
            # This process isn't writing it (it was restarted after the closing): go on and seal.
            await self._recorder.start(recording.id, self._watch.folder_of(recording.id))
        sealed = await self._recorder.seal(recording.id)
        self._watch.forget(hearing.id)
        await self._rooms.close_room(hearing.id, reason="closed")
        now = self._clock.utc_now()
        names = {person.person_id: person.name for person in hearing.participants}
        done = recording.sealed(
            at=now,
            tracks=sealed.tracks,
            segments=sealed.segments,
            size_bytes=sealed.size_bytes,
            root_sha256=sealed.root_sha256,
            gaps=tuple(_gaps(sealed, {str(k): v for k, v in names.items()})),
        )
        actor = system_actor(self._profile.court.id)
        async with self._units.write() as unit:
            await unit.recordings.save(replace(done, film=done.film.queued()))
            await enter_docket(unit, actor, hearing.case_id, DocketKind.RECORDING_SEALED, at=now)
            await record_act(
                unit, actor, kind=ActKind.RECORDING_SEALED, chain_id=hearing.case_id, at=now,
                payload={"recording_id": recording.id, "root_sha256": sealed.root_sha256, "gaps": len(done.gaps)},
                objects=(ActObject(sealed.root_sha256, sealed.size_bytes),),
            )  # fmt: skip
            unit.ring(Doorbell("hearing_changed", hearing.id))
            unit.ring(Doorbell("film_queued", recording.id))

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
            made = await self._films.compose(
                self._watch.folder_of(recording.id), labels=self._labels(hearing, case), progress=progress
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

    # --- looking -----------------------------------------------------------------------------

    async def mine(self, actor: Actor) -> list[SeenRecording]:
        """Recordings of the cases the actor sees; clerks and presidents see the court's."""
        async with self._units.read() as unit:
            if actor.role in (Role.CLERK, Role.PRESIDENT):
                cases = await unit.cases.of_court(actor.court_id)
            else:
                cases = await unit.cases.of_person(actor.person_id)
            by_id = {case.id: case for case in cases}
            found = []
            for recording in await unit.recordings.of_cases(list(by_id)):
                hearing = await unit.hearings.get(recording.hearing_id)
                assert hearing is not None
                case = by_id[hearing.case_id]
                newest = await unit.recordings.newest_publication(recording.id)
                found.append(SeenRecording(recording, hearing, case, case.member(actor.person_id), newest))
        return found

    async def get(self, actor: Actor, recording_id: str) -> SeenRecording:
        async with self._units.read() as unit:
            return await self._access(unit, actor, recording_id)

    async def film(self, actor: Actor, recording_id: str, *, begins: bool) -> Path:
        """The film's file for somebody who may see it; the view is an act where it `begins`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await self._access(unit, actor, recording_id)
            require(capacity_of(actor.role, seen.member.role if seen.member else None), Action.FILM_VIEW)
            if begins:
                await record_act(
                    unit, actor, kind=ActKind.FILM_VIEWED, chain_id=seen.case.id, at=now,
                    payload={"recording_id": seen.recording.id},
                )  # fmt: skip
        return self._film_file(seen.recording)

    async def compose_again(self, actor: Actor, recording_id: str) -> SeenRecording:
        async with self._units.write() as unit:
            seen = await self._access(unit, actor, recording_id)
            require(capacity_of(actor.role, seen.member.role if seen.member else None), Action.FILM_COMPOSE)
            again = replace(seen.recording, film=seen.recording.film.queued())
            await unit.recordings.save(again)
            unit.ring(Doorbell("film_queued", again.id))
        return SeenRecording(again, seen.hearing, seen.case, seen.member, seen.publication)

    # --- publication -------------------------------------------------------------------------

    async def submit(self, actor: Actor, recording_id: str, *, title: str, cause: str) -> Publication:
        """申报公开 by the clerk of the case. Errors as domain.recordings.submit_publication."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await self._access(unit, actor, recording_id)
            capacity = capacity_of(actor.role, seen.member.role if seen.member else None)
            require(capacity, Action.PUBLICATION_SUBMIT)
            opened = seen.hearing.opened_at or seen.hearing.starts_at
            publication = domain.submit_publication(
                seen.recording,
                id=PublicationId(new_id("pub")),
                title=title,
                cause=cause,
                case_number=str(seen.case.number),
                court_name=seen.case.court.name,
                openness=seen.case.openness,
                existing=seen.publication,
                by=actor.person_id,
                at=now,
                held_on=self._profile.local_day(opened),
            )
            await unit.recordings.add_publication(publication)
            await self._enter(unit, actor, seen.case, publication, ActKind.PUBLICATION_SUBMITTED, now)
        return publication

    async def decide(
        self, actor: Actor, publication_id: str, *, verdict: str, reason: str = ""
    ) -> Publication:
        """`confirm`, `reject` or `withdraw`. Errors: Forbidden `publication.same_person`, Conflict."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            publication = await unit.recordings.publication(PublicationId(publication_id))
            if publication is None:
                raise NotFound
            seen = await self._access(unit, actor, publication.recording_id)
            capacity = capacity_of(actor.role, seen.member.role if seen.member else None)
            withdraws = verdict == "withdraw"
            require(capacity, Action.PUBLICATION_WITHDRAW if withdraws else Action.PUBLICATION_DECIDE)
            if withdraws:
                kind, decided = (
                    ActKind.PUBLICATION_WITHDRAWN,
                    publication.withdrawn(actor.person_id, at=now, reason=reason),
                )
            elif verdict == "confirm":
                kind, decided = ActKind.PUBLICATION_CONFIRMED, publication.confirmed(actor.person_id, at=now)
            else:
                kind, decided = (
                    ActKind.PUBLICATION_REJECTED,
                    publication.rejected(actor.person_id, at=now, reason=reason),
                )
            await unit.recordings.save_publication(decided)
            await self._enter(unit, actor, seen.case, decided, kind, now)
        return decided

    async def publications(self, actor: Actor, states: tuple[PublicationState, ...]) -> list[Publication]:
        """The court's publications for its staff."""
        require(capacity_of(actor.role, None), Action.RECORDINGS_LIST)
        async with self._units.read() as unit:
            return await unit.recordings.publications(states)

    async def public(self, *, before: datetime | None, limit: int) -> list[Publication]:
        """What anybody may see, newest first."""
        async with self._units.read() as unit:
            return await unit.recordings.publications((PublicationState.PUBLIC,), before=before, limit=limit)

    async def public_one(self, publication_id: str) -> Publication:
        """NotFound from the moment of withdrawal."""
        async with self._units.read() as unit:
            publication = await unit.recordings.publication(PublicationId(publication_id))
        if publication is None or not publication.is_public:
            raise NotFound
        return publication

    async def public_film(self, publication_id: str) -> Path:
        publication = await self.public_one(publication_id)
        async with self._units.read() as unit:
            recording = await unit.recordings.get(publication.recording_id)
        assert recording is not None
        return self._film_file(recording)

    async def public_poster(self, publication_id: str) -> Path:
        """The picture of a public film. NotFound when it isn't public or has none."""
        poster = (await self.public_film(publication_id)).with_name("poster.jpg")
        if not poster.is_file():
            raise NotFound
        return poster

    # --- inside ------------------------------------------------------------------------------

    async def _access(self, unit: Unit, actor: Actor, recording_id: str) -> SeenRecording:
        recording = await unit.recordings.get(RecordingId(recording_id))
        hearing = await unit.hearings.get(recording.hearing_id) if recording else None
        if recording is None or hearing is None:
            raise NotFound
        case, member = await access_case(unit, actor, hearing.case_id)
        newest = await unit.recordings.newest_publication(recording.id)
        return SeenRecording(recording, hearing, case, member, newest)

    async def _change_film(self, recording_id: RecordingId, change: Callable[[Film], Film]) -> None:
        async with self._units.write() as unit:
            recording = await unit.recordings.get(recording_id)
            assert recording is not None
            await unit.recordings.save(replace(recording, film=change(recording.film)))

    async def _enter(
        self, unit: Unit, actor: Actor, case: Case, publication: Publication, kind: ActKind, now: datetime
    ) -> None:
        line = DocketKind(kind.value.replace(".", "_"))
        await enter_docket(unit, actor, case.id, line, at=now, detail=publication.title)
        await record_act(
            unit, actor, kind=kind, chain_id=case.id, at=now,
            payload={"publication_id": publication.id, "reason": publication.reason or ""},
        )  # fmt: skip

    def _film_file(self, recording: Recording) -> Path:
        if recording.film.state is not FilmState.READY:
            raise Conflict("film.not_ready", zh="影像尚未合成完成", en="The film isn't ready yet")
        path = self._watch.folder_of(recording.id) / "film" / "film.mp4"
        if not path.is_file():
            raise Unavailable(
                "film.missing", zh="影像文件缺失，请重新合成", en="The film file is missing; compose it again"
            )
        return path

    def _labels(self, hearing: Hearing, case: Case) -> Mapping[str, object]:
        there = (hearing.opened_at or hearing.starts_at).astimezone(self._profile.time_zone)
        offset = there.utcoffset()
        assert offset is not None
        return {
            "case_number": str(case.number),
            "title": hearing.title,
            "utc_offset_minutes": int(offset.total_seconds() // 60),
            "language": "zh-CN",
            "people": {
                person.person_id: {"name": person.name, "role": person.label.zh}
                for person in hearing.participants
            },
        }


def _gaps(sealed: Sealed, names: Mapping[str, str]) -> list[Gap]:
    return [
        Gap(
            identity_name=names.get(gap.identity),
            source=gap.source,
            start=_utc(gap.from_utc_ns),
            end=_utc(gap.until_utc_ns),
            cause=gap.cause,
        )
        for gap in sealed.gaps
    ]


def _utc(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 1_000_000 / 1000, UTC)
