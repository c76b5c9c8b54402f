"""The record of running hearings: no proof of writing, no hearing; and an alarm when the proof fails.

Sources: 录音录像规定 arts 1, 3, 4 (whole hearing; broken only for recess and the like; failures are stated).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.acts import ActKind
from hearing_server.domain.hearings import Hearing, HearingState, PauseKind
from hearing_server.domain.recordings import Recording, RecordingState, WritingState, WritingStatus
from hearing_server.errors import HearingError, Unavailable
from hearing_server.kernel import Actor, Clock, CourtId, HearingId, RecordingId, new_id, system_actor, to_wire
from hearing_server.ports.bus import Doorbell, EventBus
from hearing_server.ports.media import RecorderControl, Writing
from hearing_server.ports.units import Unit, Units
from hearing_server.services.acts import record_act
from hearing_server.services.live import LiveHearing
from hearing_server.services.record_folders import RecordFolders

_log = logging.getLogger(__name__)
# How long the judge waits for the proof before the order is refused, and how often it is looked for.
PROOF_WAIT_S = 6.0
_PROOF_LOOK_S = 0.1
WATCH_S = 1.0
# Alarms that wait for a storage that takes them; the oldest is dropped, the record's own incidents keep all.
_MAX_UNWRITTEN = 500


@dataclass(frozen=True, slots=True)
class _Alarm:
    """What the case's log has still to say."""

    hearing_id: HearingId
    kind: ActKind
    code: str | None
    at: datetime


class TakenUp(StrEnum):
    """What became of a running hearing's recording when it was taken up."""

    RAN_ON = "ran_on"  # it never stopped: its process outlived us
    CONTINUED = "continued"  # in the same folder; the gap is named there
    FAILED = "failed"  # the light says so, and it is tried again


class RecorderWatch:
    """One recording per running hearing on this node, and the live overlay its light is part of."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        bus: EventBus,
        recorder: RecorderControl,
        *,
        folders: RecordFolders,
        reserve_bytes: int,
        court_id: CourtId,
    ) -> None:
        self._units = units
        self._clock = clock
        self._bus = bus
        self._recorder = recorder
        self._folders = folders
        self._reserve_bytes = reserve_bytes
        self._court_id = court_id
        self._recordings: dict[HearingId, RecordingId] = {}
        self._lives: dict[HearingId, LiveHearing] = {}
        # Running hearings whose recording couldn't be taken up after a start.
        self._missing: set[HearingId] = set()
        # The watch and a room that comes back must not go on in one folder at the same moment.
        self._going_on = asyncio.Lock()
        self._alarmed: set[HearingId] = set()
        self._unwritten: deque[_Alarm] = deque(maxlen=_MAX_UNWRITTEN)

    def live(self, hearing_id: HearingId) -> LiveHearing:
        """The overlay of a hearing; made when first asked for."""
        return self._lives.setdefault(hearing_id, LiveHearing())

    # --- around an opening -------------------------------------------------------------------

    async def begin(self, hearing: Hearing) -> RecordingId:
        """Start the recorder and wait for its proof. Errors: Unavailable `disk.…`, `recording.not_proven`."""
        recording_id = self._recordings.get(hearing.id) or RecordingId(new_id("rec"))
        await self._recorder.start(recording_id, self._folders.of(recording_id), room=hearing.id)
        self._recordings[hearing.id] = recording_id
        try:
            await self.prove_again(hearing.id)
        except BaseException:
            await self.give_up(hearing.id)
            raise
        return recording_id

    async def prove_again(self, hearing_id: HearingId) -> None:
        """Wait until bytes are seen advancing. Errors: Unavailable `recording.not_proven`, `disk.full`."""
        try:
            async with asyncio.timeout(PROOF_WAIT_S):
                # The proof is bytes seen on disk: there is nothing to be woken by.
                while not self._look(hearing_id):  # noqa: ASYNC110
                    await asyncio.sleep(_PROOF_LOOK_S)
        except TimeoutError:
            raise Unavailable(
                "recording.not_proven",
                zh="录音录像尚未确认写入，暂不能开庭，请检查存储后重试",
                en="The recording isn't proven to be written; check the storage and try again",
            ) from None
        writing = self._writing(hearing_id)
        if writing is not None and writing.free_bytes < self._reserve_bytes:
            raise Unavailable(
                "disk.full",
                zh="存储空间不足，暂不能开庭",
                en="Too little disk space is left to open a hearing",
            )

    async def enter(
        self, unit: Unit, actor: Actor, recording_id: RecordingId, hearing: Hearing, *, at: datetime
    ) -> None:
        """The recording's row and act, in the unit that opens the hearing."""
        if await unit.recordings.of_hearing(hearing.id) is None:
            row = Recording(recording_id, hearing.id, RecordingState.RECORDING, started_at=at)
            await unit.recordings.add(row, hearing.case_id)
        await record_act(
            unit,
            actor,
            kind=ActKind.RECORDING_STARTED,
            chain_id=hearing.case_id,
            at=at,
            payload={"hearing_id": hearing.id, "recording_id": recording_id},
        )

    async def listen(self, hearing_id: HearingId) -> None:
        """The hearing is open: what is said from here on is recorded, and nothing before."""
        await self._recorder.listen(self._recordings[hearing_id], hearing_id)

    async def give_up(self, hearing_id: HearingId) -> None:
        """The hearing did not open: what was written meanwhile is nobody's record."""
        recording_id = self._recordings.pop(hearing_id, None)
        if recording_id is not None:
            await self._recorder.abandon(recording_id)
        self.live(hearing_id).recording = WritingStatus(WritingState.IDLE)

    async def take_up(self, hearing_id: HearingId) -> TakenUp:
        """Go on with the stored recording, after a start of ours or of the process that wrote it.

        A folder that can't be written stops no other hearing: the light says failed, and it is tried again.
        """
        try:
            taken_up = await self._go_on(hearing_id)
            # The first byte takes a moment; without the wait every start would be an alarm in the log.
            if hearing_id in self._recordings:
                with suppress(Unavailable):
                    await self.prove_again(hearing_id)
        except HearingError as error:
            _log.exception("recording not taken up", extra={"hearing": hearing_id})
            self._missing.add(hearing_id)
            self._fail(hearing_id, error.code)
            return TakenUp.FAILED
        # When its loss was an alarm, its return is news as well.
        self._note_alarm(hearing_id, self.live(hearing_id).recording)
        return taken_up

    def lose(self, hearing_id: HearingId) -> None:
        """The process that wrote its recording is gone: the light says so until the recording is taken up."""
        if self._recordings.pop(hearing_id, None) is not None:
            self._missing.add(hearing_id)
            self._fail(hearing_id, "recording.lost")

    async def let_go_of_strangers(self) -> None:
        """Recordings that outlived us and belong to no stored hearing: their openings were never decided."""
        standing = await self._recorder.standing()
        async with self._units.read() as unit:
            known = {row.id for row in await unit.recordings.in_state(RecordingState.RECORDING)}
        for one in standing:
            if one.recording_id not in known:
                _log.warning("a recording of no hearing was running", extra={"recording": one.recording_id})
                await self._recorder.let_go(one.recording_id)

    def _fail(self, hearing_id: HearingId, code: str) -> None:
        live = self.live(hearing_id)
        live.recording = replace(live.recording, state=WritingState.FAILED, alarm_code=_alarm_of(code))
        self._note_alarm(hearing_id, live.recording)

    async def _go_on(self, hearing_id: HearingId) -> TakenUp:
        async with self._going_on:
            was_running = hearing_id in self._recordings
            async with self._units.read() as unit:
                row = await unit.recordings.of_hearing(hearing_id)
                hearing = await unit.hearings.get(hearing_id)
            if row is not None and hearing is not None and row.state is RecordingState.RECORDING:
                was_running = was_running or self._recorder.writing(row.id) is not None
                await self._recorder.start(row.id, self._folders.of(row.id), room=hearing_id)
                await self._seal_as_stored(row.id, hearing)
                await self._recorder.listen(row.id, hearing_id)
                self._recordings[hearing_id] = row.id
                if hearing.state is HearingState.RECESS and hearing.recess is not None:
                    await self.pause(hearing_id, hearing.recess.kind)
                elif hearing.state is HearingState.IN_SESSION:
                    await self.resume(hearing_id)
            self._missing.discard(hearing_id)
        return TakenUp.RAN_ON if was_running else TakenUp.CONTINUED

    # --- orders ------------------------------------------------------------------------------

    def is_proven(self, hearing_id: HearingId) -> bool:
        """Bytes were seen advancing within the last two seconds."""
        self._look(hearing_id)
        return self.live(hearing_id).recording.is_proven(self._clock.utc_now())

    async def pause(self, hearing_id: HearingId, kind: PauseKind) -> None:
        recording_id = self._recordings.get(hearing_id)
        if recording_id is not None:
            await _told(self._recorder.pause(recording_id, code=kind.value))
            self._look(hearing_id)

    async def resume(self, hearing_id: HearingId) -> None:
        recording_id = self._recordings.get(hearing_id)
        if recording_id is not None:
            await _told(self._recorder.resume(recording_id))
            self._look(hearing_id)

    async def mark(self, hearing_id: HearingId, *, kind: str, text: str) -> None:
        """A log note in the record."""
        recording_id = self._recordings.get(hearing_id)
        if recording_id is not None:
            await _told(self._recorder.mark(recording_id, kind=kind, text=text))

    async def seal_from_here(self, hearing_id: HearingId) -> None:
        """What is recorded from here on reaches no copy. A recorder that is gone is told before it listens again."""
        await self.mark(hearing_id, kind="sealed", text="封闭")

    async def unseal_from_here(self, hearing_id: HearingId) -> None:
        await self.mark(hearing_id, kind="unsealed", text="解除封闭")

    async def _seal_as_stored(self, recording_id: RecordingId, hearing: Hearing) -> None:
        """Say again what the court ordered, before anything is listened to; a repeated word changes nothing."""
        if hearing.sealed_spans:
            kind = "sealed" if hearing.sealed is not None else "unsealed"
            await self._recorder.mark(recording_id, kind=kind, text="")

    def hold(self, hearing_id: HearingId, *, held: bool) -> None:
        """The room forwards nothing (or does again): the light must not count what nobody records."""
        self.live(hearing_id).is_held = held
        if hearing_id in self._recordings:
            self._look(hearing_id)

    def forget(self, hearing_id: HearingId) -> None:
        """The recording is sealed: its light goes out."""
        self._recordings.pop(hearing_id, None)
        live = self.live(hearing_id)
        live.recording = replace(live.recording, state=WritingState.SEALED, alarm_code=None)

    # --- the light ---------------------------------------------------------------------------

    async def watch(self) -> None:
        """Look at every recording once a second; ring when its light or alarm changes. Never ends by itself."""
        while True:
            try:
                await self._look_round()
            except Exception:
                # A watch that ended would be the silence it is there to break.
                _log.exception("a look at the recordings failed")
            await asyncio.sleep(WATCH_S)

    async def _look_round(self) -> None:
        for hearing_id in tuple(self._recordings):
            before = self.live(hearing_id).recording
            self._look(hearing_id)
            after = self.live(hearing_id).recording
            if (before.state, before.alarm_code) != (after.state, after.alarm_code):
                self._note_alarm(hearing_id, after)
            # The checked seconds move on the judge's screen without anybody asking.
            await self._bus.publish(Doorbell("recording_looked_at", hearing_id))
        for hearing_id in tuple(self._missing):
            with suppress(HearingError):
                await self._go_on(hearing_id)
        await self._write_alarms()

    def _note_alarm(self, hearing_id: HearingId, status: WritingStatus) -> None:
        """Keep what the log must say; it is written when the storage takes it."""
        kind = {
            WritingState.STALLED: ActKind.RECORDING_STALLED,
            WritingState.FAILED: ActKind.RECORDING_FAILED,
        }.get(status.state)
        if kind is None and hearing_id not in self._alarmed:
            return
        if kind is None:
            self._alarmed.discard(hearing_id)
            kind = ActKind.RECORDING_RECOVERED
        else:
            self._alarmed.add(hearing_id)
            _log.error("recording alarm", extra={"hearing": hearing_id, "alarm": status.alarm_code})
        self._unwritten.append(_Alarm(hearing_id, kind, status.alarm_code, self._clock.utc_now()))

    async def _write_alarms(self) -> None:
        """The acts of alarms, in order. A full disk stops them as well: they wait here until there is space again."""
        while self._unwritten:
            alarm = self._unwritten[0]
            try:
                async with self._units.write() as unit:
                    hearing = await unit.hearings.get(alarm.hearing_id)
                    if hearing is not None:
                        await record_act(
                            unit, system_actor(self._court_id), kind=alarm.kind, chain_id=hearing.case_id,
                            at=self._clock.utc_now(),
                            payload={
                                "hearing_id": alarm.hearing_id, "alarm": alarm.code, "noticed_at": to_wire(alarm.at),
                            },
                        )  # fmt: skip
            except HearingError as error:
                _log.warning("alarm not written yet", extra={"code": error.code})
                return
            self._unwritten.popleft()

    def _look(self, hearing_id: HearingId) -> bool:
        """Refresh the light from the recorder; True when bytes are advancing now."""
        live, writing, now = self.live(hearing_id), self._writing(hearing_id), self._clock.utc_now()
        if writing is None:
            return False
        old = live.recording
        if writing.is_advancing:
            live.recording = self._advanced(hearing_id, old, writing, now)
            return True
        is_stalled = writing.failure in (None, "writer.stalled")
        live.recording = replace(
            old,
            state=WritingState.STALLED if is_stalled else WritingState.FAILED,
            alarm_code=_alarm_of(writing.failure),
        )
        return False

    def _advanced(
        self, hearing_id: HearingId, old: WritingStatus, writing: Writing, now: datetime
    ) -> WritingStatus:
        """The light while bytes advance: seconds are counted only where the proof was unbroken."""
        is_paused = writing.is_paused or self.live(hearing_id).is_held
        state = WritingState.PAUSED if is_paused else WritingState.WRITING
        since_s = (now - old.proven_at).total_seconds() if old.proven_at is not None else 0.0
        if state is old.state and since_s < WATCH_S:
            return old
        checked_s = since_s if old.state is state is WritingState.WRITING else 0.0
        low = writing.free_bytes < self._reserve_bytes
        return WritingStatus(state, old.verified_s + checked_s, "recording.disk_low" if low else None, now)

    def _writing(self, hearing_id: HearingId) -> Writing | None:
        recording_id = self._recordings.get(hearing_id)
        return self._recorder.writing(recording_id) if recording_id is not None else None


async def _told(order: Awaitable[None]) -> None:
    """An order that follows a stored decision. A recorder that is gone gets it again when the record is taken up."""
    try:
        await order
    except Unavailable as error:
        _log.warning("the recorder was not told", extra={"code": error.code})


def _alarm_of(failure: str | None) -> str:
    """The light's word for what the recorder says is wrong."""
    if failure in (None, "writer.stalled"):
        return "recording.stalled"
    return "recording.disk_full" if failure == "disk.full" else "recording.failed"
