"""What the log must say of recordings that stop and come back; it is written as soon as the storage takes it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.recording.recorders import RecorderLight, RecorderName
from hearing_server.domain.recording.recordings import WritingState, WritingStatus
from hearing_server.errors import HearingError
from hearing_server.kernel import Clock, CourtId, HearingId, system_actor, to_wire
from hearing_server.ports.units import Units
from hearing_server.services.acts import record_act

_log = logging.getLogger(__name__)
# Alarms that wait for a storage that takes them; the oldest is dropped, the record's own incidents keep all.
_MAX_UNWRITTEN = 500


@dataclass(frozen=True, slots=True)
class _Alarm:
    hearing_id: HearingId
    kind: ActKind
    code: str | None
    at: datetime
    recorder: RecorderName | None = None


class RecordingAlarms:
    """Acts of alarms and of their ends, each once."""

    def __init__(self, units: Units, clock: Clock, court_id: CourtId) -> None:
        self._units = units
        self._clock = clock
        self._court_id = court_id
        self._alarmed: set[HearingId] = set()
        self._writing: dict[HearingId, dict[RecorderName, bool]] = {}
        # Just taken up again: a second recorder needs a moment, and its coming is no news.
        self._quiet_until_s: dict[HearingId, float] = {}
        self._unwritten: deque[_Alarm] = deque(maxlen=_MAX_UNWRITTEN)

    def note(self, hearing_id: HearingId, status: WritingStatus) -> bool:
        """Keep what is new about this hearing's recording; True when something is. Before `expect` nothing is news."""
        if hearing_id not in self._writing or self._is_quiet(hearing_id, status):
            return False
        is_changed = self._note_recorders(hearing_id, status.recorders)
        kind = {
            WritingState.STALLED: ActKind.RECORDING_STALLED,
            WritingState.FAILED: ActKind.RECORDING_FAILED,
        }.get(status.state)
        if (kind is not None) == (hearing_id in self._alarmed):
            return is_changed
        if kind is None:
            self._alarmed.discard(hearing_id)
            kind = ActKind.RECORDING_RECOVERED
        else:
            self._alarmed.add(hearing_id)
            _log.error("recording alarm", extra={"hearing": hearing_id, "alarm": status.alarm_code})
        self._unwritten.append(_Alarm(hearing_id, kind, status.alarm_code, self._clock.utc_now()))
        return True

    def expect(self, hearing_id: HearingId, lights: Sequence[RecorderLight] = ()) -> None:
        """The recording begins like this (without lights: with everything writing); what comes from here on is news."""
        self._writing.setdefault(hearing_id, {light.name: light.is_writing for light in lights})

    def be_quiet(self, hearing_id: HearingId, *, for_s: float) -> None:
        """The recording was just taken up: nothing is news until everything writes, or the time is over."""
        self._quiet_until_s[hearing_id] = self._clock.monotonic_s() + for_s

    def _is_quiet(self, hearing_id: HearingId, status: WritingStatus) -> bool:
        until_s = self._quiet_until_s.get(hearing_id)
        if until_s is None:
            return False
        all_write = bool(status.recorders) and all(light.is_writing for light in status.recorders)
        if not all_write and self._clock.monotonic_s() < until_s:
            return True
        del self._quiet_until_s[hearing_id]
        return False

    def forget(self, hearing_id: HearingId) -> None:
        """The recording is over."""
        self._quiet_until_s.pop(hearing_id, None)
        self._writing.pop(hearing_id, None)
        self._alarmed.discard(hearing_id)

    async def write(self) -> None:
        """The acts, in order. A full disk stops them as well: they wait here until there is space again."""
        while self._unwritten:
            alarm = self._unwritten[0]
            try:
                await self._write(alarm)
            except HearingError as error:
                _log.warning("alarm not written yet", extra={"code": error.code})
                return
            self._unwritten.popleft()

    async def _write(self, alarm: _Alarm) -> None:
        async with self._units.write() as unit:
            hearing = await unit.hearings.get(alarm.hearing_id)
            if hearing is None:
                return
            which = {"recorder": alarm.recorder.value} if alarm.recorder is not None else {}
            await record_act(
                unit, system_actor(self._court_id), kind=alarm.kind, chain_id=hearing.case_id,
                at=self._clock.utc_now(),
                payload={
                    "hearing_id": alarm.hearing_id, "alarm": alarm.code, "noticed_at": to_wire(alarm.at), **which,
                },
            )  # fmt: skip

    def _note_recorders(self, hearing_id: HearingId, lights: Sequence[RecorderLight]) -> bool:
        known = self._writing.setdefault(hearing_id, {})
        now = self._clock.utc_now()
        is_changed = False
        for light in lights:
            if known.get(light.name, True) is light.is_writing:
                continue
            known[light.name] = light.is_writing
            is_changed = True
            kind = ActKind.RECORDING_ONE_RECOVERED if light.is_writing else ActKind.RECORDING_ONE_STALLED
            _log.error("recorder alarm: %s %s", light.name, kind, extra={"hearing": hearing_id})
            self._unwritten.append(_Alarm(hearing_id, kind, light.failure, now, light.name))
        return is_changed
