"""A fork server for the kill drill: `python -m tests.recorder.drill_server`.

A Python process with the recorder in it takes half a second to start; forked from here it takes a hundredth. Lines on
stdin: `record FOLDER SOCKET STEP` or `film FOLDER FILM LABELS`; each is answered with the child's pid. STEP is a file
with how far the wall clock was moved, in ns.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from recorder.clock import SystemClocks
from recorder.writing.session import RecordingFailure, RecordingSession
from tests.recorder.packets import camera, microphone

BUSY_S = 5.0  # the kernel lets go of a killed process's lock when it is really gone


class MovedClocks(SystemClocks):
    """The machine's clocks, but a hand moves the wall clock."""

    def __init__(self, step: Path) -> None:
        self._step = step

    def utc_ns(self) -> int:
        return super().utc_ns() + int(self._step.read_text(encoding="ascii") or "0")


def record(folder: Path, address: Path, step: Path) -> None:
    """Record what comes to the socket for ever: the first byte is the kind, the rest an RTP packet."""
    with suppress(FileNotFoundError):
        address.unlink()
    inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    inbox.bind(str(address))
    session = _create(folder, step)
    now_ns = time.monotonic_ns()
    session.track_started(microphone(), now_ns)
    session.track_started(camera(), now_ns)
    waiting = selectors.DefaultSelector()
    waiting.register(inbox, selectors.EVENT_READ)
    while True:
        waiting.select()
        packet = inbox.recv(2048)
        session.packet("audio-1" if packet[:1] == b"a" else "video-1", packet[1:], time.monotonic_ns())


def _create(folder: Path, step: Path) -> RecordingSession:
    began_s = time.monotonic()
    while True:
        try:
            return RecordingSession.create(
                folder, recording_id="rec_drill", clock=MovedClocks(step), seal_s=0.6
            )
        except RecordingFailure as failure:
            if failure.code != "recording.busy" or time.monotonic() - began_s > BUSY_S:
                raise
            time.sleep(0.002)


def film(folder: Path, target: Path, labels: Path) -> None:
    """Compose once."""
    from recorder.film import compose

    raise SystemExit(compose.main([str(folder), str(target), "--labels", str(labels)]))


def _fork(work: str, arguments: list[Path]) -> int:
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):  # the command channel is not the child's
        os.dup2(nothing, descriptor)
    code = 1
    try:
        {"record": record, "film": film}[work](*arguments)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    os._exit(code)


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need nobody to bury them
    if "film" in sys.argv:
        import recorder.film.compose  # noqa: F401  # forked children find it loaded
    print("ready", flush=True)
    for line in sys.stdin:
        work, *arguments = line.split()
        print(_fork(work, [Path(argument) for argument in arguments]), flush=True)


if __name__ == "__main__":
    main()
