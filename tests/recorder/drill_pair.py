"""What the kill drill kills: a process that is fed by a socket and records by two recorders, as a room's process does.

The second recorder is the real program in a process of its own, but forked: a fresh interpreter takes half a second to
start, a fork a hundredth. Its pid stands in SECOND_PID, so that the drill can kill it alone.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from recorder.clock import SystemClocks
from recorder.second import second_process, second_recorder
from recorder.second.second_recorder import SecondRecorder
from recorder.union.union import point_to_second
from recorder.writing.session import RecordingFailure, RecordingSession
from tests.recorder.packets import camera, microphone

FIRST, SECOND = "first", "second"
SECOND_PID = "second.pid"
SEAL_S = 0.6  # so that kills also meet sealing
BUSY_S = 5.0  # the kernel lets go of a killed process's lock when it is really gone
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG (prctl(2))
_ADOPT = 36  # PR_SET_CHILD_SUBREAPER


def die_with_parent() -> None:
    """A test that fails leaves nobody behind."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)


def bury_everybody() -> None:
    """Children, and theirs when they are orphans, vanish as they die; not every machine's first process does that."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)


def record(folder: Path, address: Path, step: Path) -> None:
    """Record what comes to the socket for ever: the first byte is the kind, the rest an RTP packet.

    `step`: a file with how far the wall clock was moved, in ns.
    """
    _move_wall_clock(step)
    folder.mkdir(exist_ok=True)
    address.unlink(missing_ok=True)
    # Before anything else is open here: what a fork inherits it keeps open when we are dead.
    forks = _Forks(folder / SECOND_PID)
    second_recorder._spawn = forks.second  # type: ignore[assignment]
    asyncio.run(_record(folder, address))


async def _record(folder: Path, address: Path) -> None:
    inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    inbox.setblocking(False)
    inbox.bind(str(address))
    keeper = SecondRecorder()
    other = keeper.record(folder / SECOND, recording_id="rec_drill", seal_s=SEAL_S)
    session = await asyncio.to_thread(_create, folder / FIRST)
    point_to_second(folder / FIRST, folder / SECOND)
    sinks = (session, other.feed)
    now_ns = time.monotonic_ns()
    for sink in sinks:
        sink.track_started(microphone(), now_ns)
        sink.track_started(camera(), now_ns)

    def take() -> None:
        with suppress(BlockingIOError):
            while True:
                packet = inbox.recv(2048)
                track, at_ns = "audio-1" if packet[:1] == b"a" else "video-1", time.monotonic_ns()
                for sink in sinks:
                    sink.packet(track, packet[1:], at_ns)

    asyncio.get_running_loop().add_reader(inbox, take)
    await asyncio.Event().wait()


def _create(folder: Path) -> RecordingSession:
    began_s = time.monotonic()
    while True:
        try:
            return RecordingSession.create(folder, recording_id="rec_drill", seal_s=SEAL_S)
        except RecordingFailure as failure:
            if failure.code != "recording.busy" or time.monotonic() - began_s > BUSY_S:
                raise
            time.sleep(0.002)


def _move_wall_clock(step: Path) -> None:
    """A hand moves the machine's wall clock: for both recorders."""

    def utc_ns(_: SystemClocks) -> int:
        return time.time_ns() + int(step.read_text("ascii") or "0")

    SystemClocks.utc_ns = utc_ns  # type: ignore[assignment,method-assign]


class _Forks:
    """Forks second recorders from a child that has nothing else open; it ends with us, they end as they should."""

    def __init__(self, told: Path) -> None:
        self._ours, theirs = socket.socketpair()
        if os.fork() == 0:
            self._ours.close()
            _serve(theirs, told)
        theirs.close()

    def second(self, descriptor: int) -> ForkedProcess:
        """In place of `second_recorder._spawn`."""
        socket.send_fds(self._ours, [b"f"], [descriptor])
        return ForkedProcess(int(self._ours.recv(32)))


def _serve(orders: socket.socket, told: Path) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need nobody to bury them
    while True:
        word, descriptors = b"", list[int]()
        with suppress(ConnectionResetError):  # killed before it heard our last answer
            word, descriptors, _, _ = socket.recv_fds(orders, 1, 1)
        if not word:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            orders.close()
            _be_second(descriptors[0])
        os.close(descriptors[0])
        fresh = told.with_suffix(".new")
        fresh.write_text(str(pid), "ascii")
        fresh.replace(told)
        with suppress(BrokenPipeError):  # who asked was killed meanwhile
            orders.send(str(pid).encode())


def _be_second(descriptor: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.argv = ["second_process", str(descriptor)]
    code = 1
    try:
        second_process.main()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    os._exit(code)


class ForkedProcess:
    """As much of `subprocess.Popen` as the keeper of the second recorder asks for."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def kill(self) -> None:
        """SIGKILL, where it still lives."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> Any:
        """Until it is gone. TimeoutExpired."""
        deadline_s = time.monotonic() + (timeout if timeout is not None else BUSY_S)
        while Path("/proc", str(self.pid)).exists():
            if time.monotonic() > deadline_s:
                raise subprocess.TimeoutExpired("second recorder", timeout or BUSY_S)
            time.sleep(0.002)
