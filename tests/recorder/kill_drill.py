"""The kill drill's harness: a feeder with a known counter, victims that are killed and come back, and what they kept.

Packet n of the microphone leaves at `zero_ns + n × 20 ms`, whether anybody is there to take it or not. So what a
recording lacks is read from the numbers in its packets, and no word of the recorder is believed.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from recorder.reading.recording import open_recording
from tests.recorder.packets import AUDIO_STEP, MS, VIDEO_STEP, rtp, sequence_of

ROOT = Path(__file__).parents[2]
TICK_NS = 20 * MS
HOUR_NS = 3600 * 1000 * MS


class ForkServer:
    """`tests.recorder.drill_server` as a child."""

    def __init__(self, *preload: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.recorder.drill_server", *preload],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._talking = threading.Lock()
        assert self._read() == "ready"

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def fork(self, *words: object) -> int:
        """Start a child; its pid."""
        with self._talking:
            assert self._process.stdin is not None
            print(*words, file=self._process.stdin, flush=True)
            return int(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


class Feeder:
    """Sends packet n at its moment to every socket there is. `late_ns`: the worst this thread itself was late."""

    def __init__(self, addresses: list[Path]) -> None:
        self._addresses = [str(address) for address in addresses]
        self._outbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._outbox.setblocking(False)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.zero_ns = time.monotonic_ns()
        self.late_ns = 0

    def __enter__(self) -> Feeder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._outbox.close()

    def number_at(self, at_ns: int) -> int:
        """The number of the last packet sent by this moment."""
        return (at_ns - self.zero_ns) // TICK_NS

    def _run(self) -> None:
        number = 0
        while not self._over.wait(max(0.0, (self.zero_ns + number * TICK_NS - time.monotonic_ns()) / 1e9)):
            self.late_ns = max(self.late_ns, time.monotonic_ns() - self.zero_ns - number * TICK_NS)
            self._send(b"a" + rtp(number, number * AUDIO_STEP))
            if number % 2 == 0:
                self._send(b"v" + rtp(number // 2, number // 2 * VIDEO_STEP, 1100, 96))
            number += 1

    def _send(self, packet: bytes) -> None:
        for address in self._addresses:
            with suppress(OSError):  # nobody there, or its inbox is full: lost, as on a network
                self._outbox.sendto(packet, address)


@dataclass
class Victim:
    """One recording whose process dies again and again. `births`, `kills`: moments on the monotonic clock."""

    folder: Path
    address: Path
    step: Path
    seed: int
    pid: int = 0
    births: list[int] = field(default_factory=list)
    kills: list[int] = field(default_factory=list)
    stops: list[tuple[int, int]] = field(default_factory=list)

    def live(self, server: ForkServer, kills: int, *, stop_s: float) -> None:
        """Be killed `kills` times at seeded moments; in between stand still for a while, or have the clock moved."""
        dice = random.Random(self.seed)
        self.step.write_text("0", encoding="ascii")
        for _ in range(kills):
            self._bear(server)
            time.sleep(dice.uniform(0.0, 0.45))
            mischief = dice.random()
            if mischief < 0.15:
                self._stand_still(stop_s)
            elif mischief < 0.3:
                self.step.write_text(str(dice.choice((-HOUR_NS, HOUR_NS))), encoding="ascii")
            os.kill(self.pid, signal.SIGKILL)
            self.kills.append(time.monotonic_ns())
        self._bear(server)
        time.sleep(1.0)
        os.kill(self.pid, signal.SIGKILL)
        self.kills.append(time.monotonic_ns())
        _await_end(self.pid)

    def _bear(self, server: ForkServer) -> None:
        """A new process; it is killed at moments after it began a journal of its own and not before."""
        before = _written(self.folder)
        self.births.append(time.monotonic_ns())
        self.pid = server.fork("record", self.folder, self.address, self.step)
        deadline_s = time.monotonic() + 20
        while _written(self.folder) == before:
            assert time.monotonic() < deadline_s, "no journal grows"
            time.sleep(0.004)

    def _stand_still(self, stop_s: float) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        stopped_ns = time.monotonic_ns()
        time.sleep(stop_s)
        os.kill(self.pid, signal.SIGCONT)
        self.stops.append((stopped_ns, time.monotonic_ns()))
        time.sleep(0.3)

    def heard(self) -> list[tuple[int, int]]:
        """(number, arrival on the hearing clock) of the microphone's packets, as the journal holds them."""
        recording = open_recording(self.folder)
        tracks = [track for track in recording.tracks if track.info.kind == "audio"]
        return sorted(
            (sequence_of(packet.data), packet.elapsed_ns)
            for track in tracks
            for packet in recording.packets(track.number)
        )


def _written(folder: Path) -> int:
    """The highest segment number there is."""
    return max((int(path.stem) for path in (folder / "journal").glob("*.*")), default=0)


def _await_end(pid: int) -> None:
    deadline_s = time.monotonic() + 10
    while Path("/proc", str(pid)).exists() and time.monotonic() < deadline_s:
        time.sleep(0.005)


def live_together(victims: list[Victim], server: ForkServer, kills: int, *, stop_s: float) -> None:
    """All victims at once, a thread each; the first error of any is raised."""
    errors: list[BaseException] = []

    def one(victim: Victim) -> None:
        try:
            victim.live(server, kills, stop_s=stop_s)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(victim,)) for victim in victims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
