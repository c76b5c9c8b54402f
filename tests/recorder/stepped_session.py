"""A recording session without its thread: the test turns the writer, on a clock of its own, so that every run is equal.

One turn is one tick of the writer (250 ms of hearing). A run of several seconds takes milliseconds, and the n-th
system call is the same one in every run.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from recorder.account.manifest import Manifest
from recorder.durable import Disk, SystemCalls
from recorder.writing import writer as writer_module
from recorder.writing.session import RecordingSession
from tests.recorder.packets import AUDIO_STEP, MS, VIDEO_STEP, camera, microphone, rtp

TICK_NS = 250 * MS
AUDIO_NS = 20 * MS
VIDEO_NS = 40 * MS


class NoSyncs(SystemCalls):
    """For tests of the book-keeping alone: nobody pulls the plug, so nothing waits for the platter."""

    def fdatasync(self, fd: int) -> None:
        """Nothing."""

    def fsync(self, fd: int) -> None:
        """Nothing."""


class SteppedClock:
    """A machine whose clocks stand still until the test moves them."""

    def __init__(self, now_ns: int = 3_600_000 * MS, boot: str = "boot-1") -> None:
        self.now_ns = now_ns
        self.wall_ns = 1_795_309_200_000 * MS
        self.boot = boot

    def monotonic_ns(self) -> int:
        return self.now_ns

    def utc_ns(self) -> int:
        return self.wall_ns

    def boot_id(self) -> str:
        return self.boot

    def pass_ns(self, passed_ns: int) -> None:
        """Both clocks go on."""
        self.now_ns += passed_ns
        self.wall_ns += passed_ns


class _Stepped:
    """Stands for threading.Thread: its work is done by whoever joins it."""

    def __init__(self, *, target: Callable[[], None], **_: object) -> None:
        self._target: Callable[[], None] | None = target

    def start(self) -> None:
        """Nothing runs by itself."""

    def join(self, timeout: float | None = None) -> None:
        target, self._target = self._target, None
        if target is not None:
            target()

    def is_alive(self) -> bool:
        return False


@contextmanager
def stepped_writers() -> Iterator[None]:
    """Inside, sessions have no thread, and no attempt waits in real time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer_module, "threading", SimpleNamespace(Thread=_Stepped, Event=threading.Event))
        patch.setattr(writer_module, "time", SimpleNamespace(sleep=lambda _: None))
        yield


class Stepped:
    """One microphone and one camera whose packets carry their number: audio n was captured at n × 20 ms."""

    def __init__(
        self, folder: Path, clock: SteppedClock, disk: Disk | None = None, *, seal_s: float = 1.0
    ) -> None:
        self.clock = clock
        self.alarms: list[str | None] = []
        self.session = RecordingSession.create(
            folder, recording_id="rec_1", clock=clock, disk=disk, seal_s=seal_s, on_alarm=self.alarms.append
        )

    def begin_tracks(self) -> None:
        """Both tracks start now."""
        self.session.track_started(microphone(), self.clock.now_ns)
        self.session.track_started(camera(), self.clock.now_ns)

    def speak(self, first: int, seconds: float) -> int:
        """Audio from number `first` on, with the pictures between; the writer is turned every tick. Next number."""
        number, tick_ns = first, self.clock.now_ns
        for number in range(first, first + round(seconds * 50)):
            at_ns = self.clock.now_ns
            self.session.packet("audio-1", rtp(number, number * AUDIO_STEP), at_ns)
            if number % 2 == 0:
                self.session.packet("video-1", rtp(number // 2, number // 2 * VIDEO_STEP, 1100, 96), at_ns)
            self.clock.pass_ns(AUDIO_NS)
            if self.clock.now_ns - tick_ns >= TICK_NS:
                tick_ns = self.clock.now_ns
                self.turn()
        return number + 1

    def turn(self) -> None:
        """One tick of the writer."""
        self.session._writer._tick_guarded()

    def close(self) -> Manifest:
        """Drain, seal, manifest. RecordingFailure as from the session."""
        return asyncio.run(self.session.close())

    def abandon(self) -> None:
        """As kill -9 would: what waits in memory is gone, the kernel lets go of the lock."""
        self.session._disk.close(self.session._lock)
