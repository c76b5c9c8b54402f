"""Watches, outside the recorder, that what is recorded is what happens: an alarm and a drafted statement when it isn't.

Once a second it notes what the room knows (who speaks, whose devices are on); every few seconds it has a locked-up
process look into the pieces sealed since. It only ever reads; whatever happens to it costs the hearing nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.hearing.hearings import Hearing, HearingState
from hearing_server.domain.recording.content_rules import (
    ContentRules,
    Finding,
    Line,
    PieceSeen,
    RoomLook,
    looks_on,
)
from hearing_server.domain.recording.failures import OF_CONTENT, Failure, FailureKind
from hearing_server.domain.recording.recorders import RecorderName
from hearing_server.domain.recording.recordings import Recording, RecordingState, WritingState, WritingStatus
from hearing_server.errors import HearingError
from hearing_server.kernel import Clock, CourtId, FailureId, HearingId, PersonId, new_id, system_actor
from hearing_server.ports.bus import EventBus
from hearing_server.ports.failures import ContentCheck
from hearing_server.ports.units import Units
from hearing_server.services.recording.failures import note_failure, show_failures
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.recording.recorder_watch import RecorderWatch

_log = logging.getLogger(__name__)
LOOK_S = 1.0
# A piece is sealed every 3 s: with two pieces in a row an alarm comes 6 to 12 s after what it is about.
CHECK_S = 2.0
# The light tells of a stall within 3 s and flickers on a slow machine; a statement to sign waits for so many looks.
_WRITING_LOOKS = 5
# Statements left open by a process that died are closed when so many pieces said nothing of it.
_GOOD_PIECES = 3

_Key = tuple[FailureKind, Line | None]


@dataclass(slots=True)
class _Watched:
    """One running recording."""

    rules: ContentRules = field(default_factory=ContentRules)
    after: dict[RecorderName, int] = field(default_factory=dict)
    looked_into: RecorderName = RecorderName.FIRST
    seen_until: datetime | None = None
    told: set[tuple[FailureKind, Line]] = field(default_factory=set)
    pieces: int = 0
    checked_s: float = 0.0
    turn: int = 0
    is_known: bool = False
    open: dict[_Key, Failure] = field(default_factory=dict)
    unwritten: list[tuple[Failure, ActKind]] = field(default_factory=list)
    doubted: dict[FailureKind, int] = field(default_factory=dict)


class ContentWatch:
    """Give it to a task: `watch` never ends by itself."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        check: ContentCheck | None,
        watch: RecorderWatch,
        folders: RecordFolders,
        bus: EventBus,
        court_id: CourtId,
    ) -> None:
        """`check` None: contents are not looked into; failures of writing get their statements all the same."""
        self._units = units
        self._clock = clock
        self._check = check
        self._watch = watch
        self._folders = folders
        self._bus = bus
        self._actor = system_actor(court_id)
        self._watched: dict[HearingId, _Watched] = {}

    async def watch(self) -> None:
        """Look once a second."""
        try:
            while True:
                try:
                    await self.look_round()
                except Exception:
                    _log.exception("a look at the recordings' contents failed")
                await asyncio.sleep(LOOK_S)
        finally:
            if self._check is not None:
                await self._check.stop()

    async def look_round(self) -> None:
        """One look at every running recording."""
        async with self._units.read() as unit:
            running: list[tuple[Recording, Hearing]] = []
            for recording in await unit.recordings.in_state(RecordingState.RECORDING):
                hearing = await unit.hearings.get(recording.hearing_id)
                if hearing is not None:
                    running.append((recording, hearing))
        for recording, hearing in running:
            await self._look(recording, hearing)
        for hearing_id in self._watched.keys() - {hearing.id for _, hearing in running}:
            await self._end(hearing_id)

    async def _look(self, recording: Recording, hearing: Hearing) -> None:
        watched = self._watched.setdefault(hearing.id, _Watched())
        if not watched.is_known:
            await self._remember(watched, recording)
        now = self._clock.utc_now()
        status = self._watch.live(hearing.id).recording
        watched.rules.look(self._room(hearing, status, now))
        for finding in (
            *self._writing(watched, status, now),
            *await self._contents(watched, recording, hearing, status),
        ):
            self._take(watched, recording, hearing, finding, status)
        await self._write(watched, hearing.id)

    async def _remember(self, watched: _Watched, recording: Recording) -> None:
        """What was open when the last process ended."""
        async with self._units.read() as unit:
            for failure in await unit.failures.of_recording(recording.id):
                if failure.is_open:
                    watched.open[_key_of(failure)] = failure
        watched.is_known = True
        await self._show(recording.hearing_id)

    def _room(self, hearing: Hearing, status: WritingStatus, now: datetime) -> RoomLook:
        live = self._watch.live(hearing.id)
        shown = live.laid_over(hearing)
        devices = {
            person.person_id: {source.value: person.device(source).value for source in person.devices}
            for person in shown.participants
            if person.is_in_room
        }
        is_recorded = (
            status.state is WritingState.WRITING
            and hearing.state is HearingState.IN_SESSION
            and not live.is_held
        )
        return RoomLook(now, live.speaker, looks_on(devices, frozenset()), is_recorded)

    async def _contents(
        self, watched: _Watched, recording: Recording, hearing: Hearing, status: WritingStatus
    ) -> list[Finding]:
        now_s = self._clock.monotonic_s()
        if self._check is None or now_s - watched.checked_s < CHECK_S:
            return []
        watched.checked_s = now_s
        folders = self._folders.by_recorder(recording.id)
        name = _looked_into(status)
        pieces = await self._check.look(
            folders.get(name, self._folders.of(recording.id)),
            after=watched.after.get(name, 0),
            listen_to=_listened(watched, hearing),
        )
        return _judged(watched, name, pieces)

    def _writing(self, watched: _Watched, status: WritingStatus, now: datetime) -> Iterator[Finding]:
        """Failures of writing, from the recording's light."""
        wrong: set[FailureKind] = set()
        if status.state is WritingState.STALLED:
            wrong.add(FailureKind.STALLED)
        elif status.state is WritingState.FAILED:
            wrong.add(FailureKind.FAILED)
        elif status.recorders and not all(light.is_writing for light in status.recorders):
            wrong.add(FailureKind.ONE_RECORDER)
        for kind in (FailureKind.STALLED, FailureKind.FAILED, FailureKind.ONE_RECORDER):
            watched.doubted[kind] = watched.doubted.get(kind, 0) + 1 if kind in wrong else 0
            is_open = (kind, None) in watched.open
            if kind in wrong and not is_open and watched.doubted[kind] >= _WRITING_LOOKS:
                yield Finding(kind, _NOBODY, status.proven_at or now)
            elif kind not in wrong and is_open:
                yield Finding(kind, _NOBODY, now, is_over=True)

    def _take(
        self,
        watched: _Watched,
        recording: Recording,
        hearing: Hearing,
        finding: Finding,
        status: WritingStatus,
    ) -> None:
        line = None if finding.line == _NOBODY else finding.line
        key = (finding.kind, line)
        known = watched.open.get(key)
        if finding.is_over:
            if known is not None:
                watched.unwritten.append(
                    (watched.open.pop(key).ended(finding.since), ActKind.RECORDING_FAILURE_OVER)
                )
            return
        if known is not None:
            return
        failure = Failure(
            id=FailureId(new_id("fai")),
            hearing_id=hearing.id,
            recording_id=recording.id,
            case_id=hearing.case_id,
            kind=finding.kind,
            person_id=line[0] if line is not None else None,
            source=line[1] if line is not None else None,
            began_at=finding.since,
            noticed_at=self._clock.utc_now(),
            cause=_cause(finding.kind, status),
        )
        _log.error("recording content alarm", extra={"hearing": hearing.id, "alarm": failure.kind.value})
        watched.open[key] = failure
        watched.unwritten.append((failure, ActKind.RECORDING_FAILURE_NOTED))

    async def _write(self, watched: _Watched, hearing_id: HearingId) -> None:
        """Store what is new. A storage that can't gets it again at the next look."""
        while watched.unwritten:
            failure, kind = watched.unwritten[0]
            try:
                async with self._units.write() as unit:
                    stored = await unit.failures.get(failure.id, lock=True)
                    if stored is None:
                        await unit.failures.add(failure)
                    elif failure.ended_at is not None:
                        # The judge may have signed meanwhile.
                        failure = stored.ended(failure.ended_at)
                        await unit.failures.save(failure)
                    await note_failure(unit, self._actor, failure, kind=kind, at=self._clock.utc_now())
            except HearingError as error:
                _log.warning("failure not written yet", extra={"code": error.code})
                return
            watched.unwritten.pop(0)
            await self._show(hearing_id)

    async def _end(self, hearing_id: HearingId) -> None:
        """The recording is sealed or gone: nothing of it is open any more."""
        watched = self._watched[hearing_id]
        now = self._clock.utc_now()
        for key in tuple(watched.open):
            watched.unwritten.append((watched.open.pop(key).ended(now), ActKind.RECORDING_FAILURE_OVER))
        await self._write(watched, hearing_id)
        if not watched.unwritten:
            del self._watched[hearing_id]

    async def _show(self, hearing_id: HearingId) -> None:
        await show_failures(self._units, self._watch, self._bus, hearing_id)


_NOBODY: Line = (PersonId(""), "")


def _judged(watched: _Watched, name: RecorderName, pieces: Sequence[PieceSeen]) -> list[Finding]:
    """What these pieces of one recorder say."""
    has_changed, watched.looked_into = name is not watched.looked_into, name
    found: list[Finding] = []
    for piece in pieces:
        watched.after[name] = max(watched.after.get(name, 0), piece.number)
        # The recorders cut their pieces at moments of their own: what one has shown is not judged by the other again.
        if has_changed and watched.seen_until is not None and piece.begins < watched.seen_until:
            continue
        watched.seen_until = piece.ends
        watched.pieces += 1
        new = watched.rules.piece(piece)
        watched.told |= {(finding.kind, finding.line) for finding in new}
        found += new
        if watched.pieces == _GOOD_PIECES:
            left = [failure for (kind, _), failure in watched.open.items() if kind in OF_CONTENT]
            found += [_over(one, piece.begins) for one in left if _key_of(one) not in watched.told]
    return found


def _looked_into(status: WritingStatus) -> RecorderName:
    """Whose pieces show what is recorded: the first recorder's, unless it stands still and the second writes."""
    is_writing = {light.name: light.is_writing for light in status.recorders}
    is_second = not is_writing.get(RecorderName.FIRST, True) and is_writing.get(RecorderName.SECOND, False)
    return RecorderName.SECOND if is_second else RecorderName.FIRST


def _key_of(failure: Failure) -> _Key:
    if failure.person_id is None or failure.source is None:
        return failure.kind, None
    return failure.kind, (failure.person_id, failure.source)


def _over(failure: Failure, at: datetime) -> Finding:
    assert failure.person_id is not None
    assert failure.source is not None
    return Finding(failure.kind, (failure.person_id, failure.source), at, is_over=True)


def _listened(watched: _Watched, hearing: Hearing) -> frozenset[PersonId]:
    """Whose sound is decoded: who spoke, and of the others one after the other."""
    people = [person.person_id for person in hearing.participants if person.is_in_room]
    watched.turn += 1
    turn = {people[watched.turn % len(people)]} if people else set()
    return watched.rules.speakers() | turn


def _cause(kind: FailureKind, status: WritingStatus) -> str | None:
    """The recorder says why it does not write; why a line is empty nobody knows from the record alone."""
    if kind in OF_CONTENT:
        return None
    if kind is FailureKind.ONE_RECORDER:
        return next((light.failure for light in status.recorders if not light.is_writing), None)
    return status.alarm_code
