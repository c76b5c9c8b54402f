"""The record of running hearings: no proof of writing, no hearing; and an alarm when the proof fails.

Sources: 录音录像规定 arts 1, 3, 4 (whole hearing; broken only for recess and the like; failures are stated).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.acts import ActKind
from hearing_server.domain.hearing.hearings import Hearing, HearingState, PauseKind
from hearing_server.domain.recording.recorders import RecorderLight, missing_of, one_recorder
from hearing_server.domain.recording.recordings import Recording, RecordingState, WritingState, WritingStatus
from hearing_server.errors import HearingError, Unavailable
from hearing_server.kernel import Actor, Clock, CourtId, HearingId, RecordingId, new_id
from hearing_server.ports.bus import Doorbell, EventBus
from hearing_server.ports.media import RecorderControl, Writing
from hearing_server.ports.units import Unit, Units
from hearing_server.services.acts import record_act
from hearing_server.services.hearing.live import LiveHearing
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.recording.recorder_lights import RecorderLights
from hearing_server.services.recording.recording_alarms import RecordingAlarms
from hearing_server.services.recording.recording_light import LIGHT_S, alarm_of, light_of

_log = logging.getLogger(__name__)
# How long the judge waits for the proof before the order is refused, and how often it is looked for.
# The second recorder's process takes about a second to be there, more on a machine where everything starts at once.
PROOF_WAIT_S = 8.0
# When the judge has decided for one recorder already, the other gets this long all the same.
_OTHER_WAIT_S = 2.0
_PROOF_LOOK_S = 0.1
# With GROWTH_S a recorder that stops is an alarm on the screens within 3 s.
_LOOK_S = 0.5


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
        self._lights = RecorderLights(folders, reserve_bytes)
        self._alarms = RecordingAlarms(units, clock, court_id)
        self._recordings: dict[HearingId, RecordingId] = {}
        self._lives: dict[HearingId, LiveHearing] = {}
        # Running hearings whose recording couldn't be taken up after a start.
        self._missing: set[HearingId] = set()
        # The watch and a room that comes back must not go on in one folder at the same moment.
        self._going_on = asyncio.Lock()
        # Hearings whose judge decided to go on with whichever recorder writes.
        self._by_one: set[HearingId] = set()

    def live(self, hearing_id: HearingId) -> LiveHearing:
        """The overlay of a hearing; made when first asked for."""
        return self._lives.setdefault(hearing_id, LiveHearing())

    # --- around an opening -------------------------------------------------------------------

    async def begin(self, hearing: Hearing, *, by_one: bool = False) -> RecordingId:
        """Start the recorders and wait for their proof; `by_one`: one of two suffices.

        Errors: Unavailable `disk.…`, `recording.not_proven`, `recording.one_recorder`.
        """
        recording_id = self._recordings.get(hearing.id) or RecordingId(new_id("rec"))
        await self._start(recording_id, hearing.id)
        self._recordings[hearing.id] = recording_id
        try:
            await self._prove(hearing.id, by_one=by_one)
        except BaseException:
            await self.give_up(hearing.id)
            raise
        self._alarms.expect(hearing.id, self.live(hearing.id).recording.recorders)
        return recording_id

    async def prove_again(self, hearing_id: HearingId) -> None:
        """Wait until a recorder is seen to write. Errors: Unavailable `recording.not_proven`, `disk.full`."""
        await self._prove(hearing_id, by_one=True)

    async def _prove(self, hearing_id: HearingId, *, by_one: bool) -> None:
        await self._seen_writing(hearing_id, within_s=_OTHER_WAIT_S if by_one else PROOF_WAIT_S)
        if by_one and not self._good(hearing_id):
            await self._seen_writing(hearing_id, within_s=PROOF_WAIT_S, enough=1)
        lights = self.live(hearing_id).recording.recorders
        missing = missing_of(lights)
        if not self._good(hearing_id):
            raise _no_room() if any(light.is_writing for light in lights) else _not_proven()
        if missing and not by_one:
            raise one_recorder(missing[0])
        if missing:
            self._by_one.add(hearing_id)
        else:
            self._by_one.discard(hearing_id)

    async def _seen_writing(self, hearing_id: HearingId, *, within_s: float, enough: int = 2) -> None:
        """Look until so many recorders, or all there are, write; or until the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                # The proof is bytes seen on disk: there is nothing to be woken by.
                while True:
                    await self._look_outside(hearing_id)
                    is_seen = self._look(hearing_id)
                    lights = self.live(hearing_id).recording.recorders
                    writing = sum(light.is_writing or light.is_refused for light in lights)
                    if is_seen and writing >= min(enough, len(lights)):
                        return
                    await asyncio.sleep(_PROOF_LOOK_S)

    def _good(self, hearing_id: HearingId) -> int:
        """How many recorders a hearing may be opened on."""
        status = self.live(hearing_id).recording
        if not status.recorders:
            return int(status.is_proven(self._clock.utc_now()))
        return sum(light.is_good for light in status.recorders)

    async def _start(self, recording_id: RecordingId, hearing_id: HearingId) -> None:
        await self._recorder.start(
            recording_id,
            self._folders.of(recording_id),
            second=self._folders.second(recording_id),
            room=hearing_id,
        )

    async def enter(
        self,
        unit: Unit,
        actor: Actor,
        recording_id: RecordingId,
        hearing: Hearing,
        *,
        at: datetime,
        one_reason: str | None = None,
    ) -> None:
        """The recording's row and acts, in the unit that opens the hearing; `one_reason`: why by one recorder."""
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
        missing = self.missing(hearing.id)
        if one_reason is not None and missing:
            await record_act(
                unit, actor, kind=ActKind.RECORDING_BY_ONE, chain_id=hearing.case_id, at=at,
                payload={
                    "hearing_id": hearing.id, "recording_id": recording_id, "missing": str(missing[0].name),
                    "failure": missing[0].failure, "reason": one_reason,
                },
            )  # fmt: skip

    def missing(self, hearing_id: HearingId) -> tuple[RecorderLight, ...]:
        """Recorders that a hearing may not be opened on now."""
        return missing_of(self.live(hearing_id).recording.recorders)

    async def listen(self, hearing_id: HearingId) -> None:
        """The hearing is open: what is said from here on is recorded, and nothing before."""
        await self._recorder.listen(self._recordings[hearing_id], hearing_id)

    async def give_up(self, hearing_id: HearingId) -> None:
        """The hearing did not open: what was written meanwhile is nobody's record."""
        recording_id = self._recordings.pop(hearing_id, None)
        if recording_id is not None:
            await self._recorder.abandon(recording_id)
            self._lights.forget(recording_id)
        self._by_one.discard(hearing_id)
        self._alarms.forget(hearing_id)
        self.live(hearing_id).recording = WritingStatus(WritingState.IDLE)

    async def take_up(self, hearing_id: HearingId) -> TakenUp:
        """Go on with the stored recording, after a start of ours or of the process that wrote it.

        A folder that can't be written stops no other hearing: the light says failed, and it is tried again.
        """
        try:
            taken_up = await self._go_on(hearing_id)
            # The first byte takes a moment; without the wait every start would be an alarm in the log.
            if hearing_id in self._recordings:
                await self._seen_writing(hearing_id, within_s=PROOF_WAIT_S)
        except HearingError as error:
            _log.exception("recording not taken up", extra={"hearing": hearing_id})
            self._missing.add(hearing_id)
            self._fail(hearing_id, error.code)
            return TakenUp.FAILED
        # When its loss was an alarm, its return is news as well.
        self._alarms.expect(hearing_id)
        self._alarms.note(hearing_id, self.live(hearing_id).recording)
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
        live.recording = replace(
            live.recording, state=WritingState.FAILED, alarm_code=alarm_of(code), recorders=()
        )
        self._alarms.expect(hearing_id)
        self._alarms.note(hearing_id, live.recording)

    async def _go_on(self, hearing_id: HearingId) -> TakenUp:
        async with self._going_on:
            was_running = hearing_id in self._recordings
            async with self._units.read() as unit:
                row = await unit.recordings.of_hearing(hearing_id)
                hearing = await unit.hearings.get(hearing_id)
            if row is not None and hearing is not None and row.state is RecordingState.RECORDING:
                was_running = was_running or self._recorder.writing(row.id) is not None
                await self._start(row.id, hearing_id)
                await self._seal_as_stored(row.id, hearing)
                await self._recorder.listen(row.id, hearing_id)
                self._recordings[hearing_id] = row.id
                self._alarms.be_quiet(hearing_id, for_s=PROOF_WAIT_S)
                if hearing.state is HearingState.RECESS and hearing.recess is not None:
                    await self.pause(hearing_id, hearing.recess.kind)
                elif hearing.state is HearingState.IN_SESSION:
                    await self.resume(hearing_id)
            self._missing.discard(hearing_id)
        return TakenUp.RAN_ON if was_running else TakenUp.CONTINUED

    # --- orders ------------------------------------------------------------------------------

    def is_proven(self, hearing_id: HearingId) -> bool:
        """Bytes were seen advancing within the last two seconds; of both recorders, unless the judge chose one."""
        self._look(hearing_id)
        if self.missing(hearing_id) and hearing_id not in self._by_one:
            return False
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
        recording_id = self._recordings.pop(hearing_id, None)
        if recording_id is not None:
            self._lights.forget(recording_id)
        self._alarms.forget(hearing_id)
        self._by_one.discard(hearing_id)
        live = self.live(hearing_id)
        live.recording = replace(live.recording, state=WritingState.SEALED, alarm_code=None, recorders=())

    # --- the light ---------------------------------------------------------------------------

    async def watch(self) -> None:
        """Look at every recording twice a second; ring when its light or alarm changes. Never ends by itself."""
        told_s = 0.0
        while True:
            is_second = self._clock.monotonic_s() - told_s >= LIGHT_S - _LOOK_S / 2
            told_s = self._clock.monotonic_s() if is_second else told_s
            try:
                await self._look_round(rings=is_second)
            except Exception:
                # A watch that ended would be the silence it is there to break.
                _log.exception("a look at the recordings failed")
            await asyncio.sleep(_LOOK_S)

    async def _look_round(self, *, rings: bool) -> None:
        """`rings`: tell all, because the checked seconds move on the judge's screen without anybody asking."""
        await asyncio.gather(*(self._look_outside(hearing_id) for hearing_id in self._recordings))
        for hearing_id in tuple(self._recordings):
            self._look(hearing_id)
            if self._alarms.note(hearing_id, self.live(hearing_id).recording) or rings:
                await self._bus.publish(Doorbell("recording_looked_at", hearing_id))
        if rings:
            for hearing_id in tuple(self._missing):
                with suppress(HearingError):
                    await self._go_on(hearing_id)
        await self._alarms.write()

    async def _look_outside(self, hearing_id: HearingId) -> None:
        recording_id = self._recordings.get(hearing_id)
        if recording_id is not None:
            await self._lights.look(recording_id)

    def _look(self, hearing_id: HearingId) -> bool:
        """Refresh the light; True when bytes of a recorder are advancing now, by its word and by what was seen."""
        live, writing = self.live(hearing_id), self._writing(hearing_id)
        if writing is None:
            return False
        lights = self._lights.of(self._recordings[hearing_id], writing)
        live.recording = light_of(
            live.recording, writing, lights, is_held=live.is_held, now=self._clock.utc_now()
        )
        return live.recording.state in (WritingState.WRITING, WritingState.PAUSED)

    def _writing(self, hearing_id: HearingId) -> Writing | None:
        recording_id = self._recordings.get(hearing_id)
        return self._recorder.writing(recording_id) if recording_id is not None else None


async def _told(order: Awaitable[None]) -> None:
    """An order that follows a stored decision. A recorder that is gone gets it again when the record is taken up."""
    try:
        await order
    except Unavailable as error:
        _log.warning("the recorder was not told", extra={"code": error.code})


def _not_proven() -> Unavailable:
    return Unavailable(
        "recording.not_proven",
        zh="录音录像尚未确认写入，暂不能开庭，请检查存储后重试",
        en="The recording isn't proven to be written; check the storage and try again",
    )


def _no_room() -> Unavailable:
    return Unavailable(
        "disk.full",
        zh="存储空间不足，暂不能开庭",
        en="Too little disk space is left to open a hearing",
    )
