"""The seconds beside the recording light: those seen on disk, and no fewer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from hearing_server.adapters.bus import MemoryBus
from hearing_server.domain.hearing.hearing_view import _recording
from hearing_server.kernel import CourtId
from hearing_server.ports.media import RecorderControl, Writing
from hearing_server.ports.units import Units
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.recording.recorder_watch import RecorderWatch
from tests.unit.court_pieces import NOW, in_session


class LateClock:
    """Every look comes some milliseconds after its second, as on any real machine."""

    def __init__(self) -> None:
        self.now = NOW

    def utc_now(self) -> Any:
        return self.now

    def monotonic_s(self) -> float:
        return (self.now - NOW).total_seconds()


class AdvancingRecorder:
    """A recorder whose bytes always advance."""

    async def start(self, *_: object, **__: object) -> None: ...

    def writing(self, _: object) -> Writing:
        return Writing(True, 1, 1, None, 1 << 40)


async def test_verified_seconds__when_looks_come_late__do_not_fall_behind(tmp_path: Path) -> None:
    clock, hearing = LateClock(), in_session()
    watch = RecorderWatch(
        cast(Units, None),
        clock,
        MemoryBus(),
        cast(RecorderControl, AdvancingRecorder()),
        folders=RecordFolders(tmp_path),
        reserve_bytes=0,
        court_id=CourtId("crt_1"),
    )
    await watch.begin(hearing)
    for _ in range(600):
        clock.now += timedelta(milliseconds=1_030)
        await watch.prove_again(hearing.id)
    # 600 looks a second and 30 ms apart; the last fraction may still be open.
    assert _recording(watch.live(hearing.id).recording, "zh")["verified_s"] in (617, 618)
