"""Two real recorders fed like a room feeds them, for tests: one in this process, one in its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from recorder.second.second_recorder import SecondRecorder, SecondRecording
from recorder.writing.session import RecordingSession
from signaling.sink import PacketSink
from tests.recorder.packets import AUDIO_STEP, VIDEO_STEP, camera, microphone, rtp

SEAL_S = 0.4  # so that faults also meet sealing


@dataclass(slots=True)
class Pair:
    """Both recorders of one recording, and what was sent to them."""

    first: RecordingSession
    keeper: SecondRecorder
    second: SecondRecording
    sent: dict[str, list[bytes]] = field(default_factory=dict)
    index: int = 0

    @property
    def sinks(self) -> tuple[PacketSink, PacketSink]:
        """Both, as a room knows them."""
        return self.first, self.second.feed

    def start_tracks(self) -> None:
        """Two microphones and a camera."""
        now_ns = time.monotonic_ns()
        for track in (microphone("a1", "per_1"), microphone("a2", "per_2"), camera("v1", "per_1")):
            self.sent[track.track_id] = []
            for sink in self.sinks:
                sink.track_started(track, now_ns)

    def step(self) -> None:
        """20 ms of everything."""
        now_ns, index = time.monotonic_ns(), self.index
        for track_id in ("a1", "a2"):
            self._packet(track_id, rtp(index, index * AUDIO_STEP), now_ns)
        if index % 2 == 0:
            self._packet("v1", rtp(index // 2, index // 2 * VIDEO_STEP, 1100, 96), now_ns)
        self.index += 1

    async def run(self, seconds: float) -> None:
        """So long in real time."""
        began = time.monotonic()
        steps = round(seconds / 0.02)
        for step in range(steps):
            self.step()
            await asyncio.sleep(max(0.0, began + (step + 1) * 0.02 - time.monotonic()))

    async def run_until(self, holds: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """In real time until something holds."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < deadline
            await self.run(0.1)

    async def close(self) -> None:
        """Both, at one moment."""
        at_ns = time.monotonic_ns()
        await asyncio.gather(
            self.first.close(), self.keeper.end(self.second, at_ns=at_ns, keep=True, timeout_s=30)
        )

    def is_second_writing(self) -> bool:
        """Its proof is fresh and good."""
        return self.keeper.proof(self.second).advancing

    def _packet(self, track_id: str, packet: bytes, now_ns: int) -> None:
        self.sent[track_id].append(packet)
        for sink in self.sinks:
            sink.packet(track_id, packet, now_ns)


@asynccontextmanager
async def two_recorders(tmp_path: Path, *, is_second_well: bool = True) -> AsyncIterator[Pair]:
    """Recording into tmp_path/first and tmp_path/second, with tracks started and both proven where both are well."""
    keeper = SecondRecorder()
    try:
        second = keeper.record(tmp_path / "second", recording_id="rec_2", seal_s=SEAL_S)
        first = RecordingSession.create(tmp_path / "first", recording_id="rec_2", seal_s=SEAL_S)
        pair = Pair(first, keeper, second)
        pair.start_tracks()
        if is_second_well:
            await pair.run_until(pair.is_second_writing)
        yield pair
    finally:
        await keeper.stop()
