"""The recording light: what a look at the recorders makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hearing_server.domain.recording.recorders import RecorderLight
from hearing_server.domain.recording.recordings import WritingState, WritingStatus
from hearing_server.ports.media import Writing

# The seconds beside the light move this often.
LIGHT_S = 1.0


def light_of(
    old: WritingStatus,
    writing: Writing,
    lights: Sequence[RecorderLight],
    *,
    is_held: bool,
    now: datetime,
) -> WritingStatus:
    """The light after a look: on while one recorder says that it writes and is seen to."""
    if writing.is_advancing and (not lights or any(light.is_writing for light in lights)):
        return _advanced(old, writing, tuple(lights), is_held=is_held, now=now)
    is_stalled = writing.failure in (None, "writer.stalled")
    return replace(
        old,
        state=WritingState.STALLED if is_stalled else WritingState.FAILED,
        alarm_code=alarm_of(writing.failure),
        recorders=tuple(lights),
    )


def alarm_of(failure: str | None) -> str:
    """The light's word for what the recorder says is wrong."""
    if failure in (None, "writer.stalled"):
        return "recording.stalled"
    return "recording.disk_full" if failure == "disk.full" else "recording.failed"


def _advanced(
    old: WritingStatus, writing: Writing, lights: tuple[RecorderLight, ...], *, is_held: bool, now: datetime
) -> WritingStatus:
    """Seconds are counted only where the proof was unbroken."""
    state = WritingState.PAUSED if writing.is_paused or is_held else WritingState.WRITING
    since_s = (now - old.proven_at).total_seconds() if old.proven_at is not None else 0.0
    alarm_code = _lesser_alarm(lights)
    if state is old.state and since_s < LIGHT_S:
        return replace(old, alarm_code=alarm_code, recorders=lights)
    checked_s = since_s if old.state is state is WritingState.WRITING else 0.0
    return WritingStatus(state, old.verified_s + checked_s, alarm_code, now, lights)


def _lesser_alarm(lights: Sequence[RecorderLight]) -> str | None:
    """What is wrong although the hearing is being recorded."""
    down = [light for light in lights if not light.is_writing]
    if down:
        return f"recording.{down[0].name}_down"
    return None if all(light.has_room for light in lights) else "recording.disk_low"
