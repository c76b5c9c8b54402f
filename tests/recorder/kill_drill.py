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
from enum import StrEnum
from pathlib import Path

from recorder.reading.recording import Recording
from tests.recorder.drill_pair import FIRST, SECOND, SECOND_PID
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
    """Sends packet n at its moment to every socket there is.

    `late_ns`: the worst this thread itself was late; `disk_ns`: the longest that the disk under `folder` kept a few
    bytes waiting meanwhile. Other tests run beside this one, and what keeps us waiting keeps the recorders waiting.
    """

    def __init__(self, addresses: list[Path], folder: Path) -> None:
        self._addresses = [str(address) for address in addresses]
        self._probe = folder / "probe"
        self._outbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._outbox.setblocking(False)
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._feed, self._ask_the_disk)
        ]
        self.zero_ns = time.monotonic_ns()
        self.late_ns = 0
        self.disk_ns = 0

    def __enter__(self) -> Feeder:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._outbox.close()

    @property
    def patience_ns(self) -> int:
        """What is allowed on top of every promise: a tick of the writer waits for processor and disk, several times."""
        return 4 * (self.late_ns + self.disk_ns)

    def number_at(self, at_ns: int) -> int:
        """The number of the last packet sent by this moment."""
        return (at_ns - self.zero_ns) // TICK_NS

    def _feed(self) -> None:
        number = 0
        while not self._over.wait(max(0.0, (self.zero_ns + number * TICK_NS - time.monotonic_ns()) / 1e9)):
            self.late_ns = max(self.late_ns, time.monotonic_ns() - self.zero_ns - number * TICK_NS)
            self._send(b"a" + rtp(number, number * AUDIO_STEP))
            if number % 2 == 0:
                self._send(b"v" + rtp(number // 2, number // 2 * VIDEO_STEP, 1100, 96))
            number += 1

    def _ask_the_disk(self) -> None:
        with self._probe.open("wb", buffering=0) as file:
            while not self._over.wait(0.05):
                began_ns = time.monotonic_ns()
                file.write(b"probe")
                os.fdatasync(file.fileno())
                self.disk_ns = max(self.disk_ns, time.monotonic_ns() - began_ns)

    def _send(self, packet: bytes) -> None:
        for address in self._addresses:
            with suppress(OSError):  # nobody there, or its inbox is full: lost, as on a network
                self._outbox.sendto(packet, address)


class Whom(StrEnum):
    """What is killed. FEEDER: the room's process, with the first recorder in it; BOTH: it and the second at once."""

    FEEDER = "feeder"
    SECOND = "second"
    BOTH = "both"
    FILM = "film"


# How often of a hundred kills.
SHARES = {Whom.FEEDER: 45, Whom.SECOND: 25, Whom.BOTH: 15, Whom.FILM: 15}


@dataclass
class Victim:
    """One recording whose processes die again and again. Moments are on the monotonic clock.

    `births`, `deaths`: of the process that is fed; `stops`: when it stood still. `films`: forks the film's worker,
    where one works beside this recording.
    """

    folder: Path
    seed: int
    films: ForkServer | None = None
    pid: int = 0
    film_pid: int = 0
    kills: list[Whom] = field(default_factory=list)
    births: list[int] = field(default_factory=list)
    deaths: list[int] = field(default_factory=list)
    stops: list[tuple[int, int]] = field(default_factory=list)

    @property
    def first(self) -> Path:
        """The first recorder's folder."""
        return self.folder / FIRST

    @property
    def second(self) -> Path:
        """The second recorder's folder."""
        return self.folder / SECOND

    @property
    def address(self) -> Path:
        """Where it is fed."""
        return self.folder.with_suffix(".sock")

    @property
    def film(self) -> Path:
        """What its film's worker makes."""
        return self.folder / "film" / "film.mp4"

    def live(self, server: ForkServer, kills: int, *, stop_s: float) -> None:
        """Lose `kills` processes at seeded moments; in between stand still for a while, or have the clock moved."""
        dice = random.Random(self.seed)
        self._step.write_text("0", encoding="ascii")
        self._bear(server)
        for _ in range(kills):
            time.sleep(dice.uniform(0.0, 0.45))
            mischief = dice.random()
            if mischief < 0.15:
                self._stand_still(stop_s)
            elif mischief < 0.3:
                self._step.write_text(str(dice.choice((-HOUR_NS, HOUR_NS))), encoding="ascii")
            (whom,) = dice.choices(list(SHARES), list(SHARES.values()))
            self._kill(whom)
            if whom in (Whom.FEEDER, Whom.BOTH):
                self._bear(server)
            elif whom is Whom.FILM:
                self._bear_film()
        time.sleep(1.0)
        _kill(self.film_pid)
        self._kill(Whom.FEEDER)
        for pid in (self.pid, self.film_pid, self._second_pid()):
            _await_end(pid)  # the second seals what it has, and ends by itself

    def _bear(self, server: ForkServer) -> None:
        """A new process; it is killed at moments after it began a journal of its own and not before."""
        before = _written(self.first)
        self.births.append(time.monotonic_ns())
        self.pid = server.fork("record", self.folder, self.address, self._step)
        deadline_s = time.monotonic() + 20
        while _written(self.first) == before:
            assert time.monotonic() < deadline_s, "no journal grows"
            time.sleep(0.004)
        if not self.film_pid:
            self._bear_film()

    def _bear_film(self) -> None:
        if self.films is not None:
            self.film.parent.mkdir(exist_ok=True)
            labels = self.folder / "labels.json"
            labels.write_text('{"people": {"per_1": {"name": "甲", "role": "原告"}}}', encoding="utf-8")
            self.film_pid = self.films.fork("live_film", self.first, self.film, labels)

    def _kill(self, whom: Whom) -> None:
        """Noted is what was killed: a second that was just being started again by its keeper is not there."""
        if whom is Whom.FILM and not self.film_pid:
            whom = Whom.SECOND
        if whom in (Whom.SECOND, Whom.BOTH):
            _kill(self._second_pid())
        if whom is Whom.FILM:
            _kill(self.film_pid)
        if whom in (Whom.FEEDER, Whom.BOTH):
            _kill(self.pid)
            self.deaths.append(time.monotonic_ns())
        self.kills.append(whom)

    def _stand_still(self, stop_s: float) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        stopped_ns = time.monotonic_ns()
        time.sleep(stop_s)
        os.kill(self.pid, signal.SIGCONT)
        self.stops.append((stopped_ns, time.monotonic_ns()))
        time.sleep(0.3)

    def _second_pid(self) -> int:
        with suppress(OSError, ValueError):
            return int((self.folder / SECOND_PID).read_text("ascii"))
        return 0

    @property
    def _step(self) -> Path:
        return self.folder.with_suffix(".step")


def heard(recording: Recording) -> list[tuple[int, int]]:
    """(number, arrival on the hearing clock) of the microphone's packets, as the journal holds them."""
    tracks = [track for track in recording.tracks if track.info.kind == "audio"]
    return sorted(
        (sequence_of(packet.data), packet.elapsed_ns)
        for track in tracks
        for packet in recording.packets(track.number)
    )


def _written(folder: Path) -> int:
    """The highest number of a segment that has begun."""
    found = 0
    for path in (folder / "journal").glob("*.*"):
        with suppress(FileNotFoundError):  # renamed meanwhile
            found = max(found, int(path.stem) if path.stat().st_size else 0)
    return found


def _kill(pid: int) -> None:
    """A process of ours, if it still lives: numbers of the dead are given to others."""
    with suppress(OSError):
        if pid and b"drill_server" in Path("/proc", str(pid), "cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)


def _await_end(pid: int) -> None:
    deadline_s = time.monotonic() + 20
    while pid and Path("/proc", str(pid)).exists():
        assert time.monotonic() < deadline_s, "it does not end"
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
