"""Random histories of one person's line, played into a real session, with what really happened kept beside.

The oracle is the script itself: it knows when nothing was captured, sent, passed on or written, and why. It never looks
at a record.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recorder.account.manifest import Manifest
from recorder.durable import Disk
from signaling.sink import TrackInfo
from tests.recorder.packets import AUDIO_STEP, MS, VIDEO_STEP, camera, microphone, rtp
from tests.recorder.stepped_session import TICK_NS, NoSyncs, Stepped, SteppedClock

DELAY_NS = 25 * MS
MOST_JITTER_NS = 40 * MS
SECOND = 1000 * MS


@dataclass(frozen=True)
class Hole:
    """Nothing is on the record of the line, on the clock of the machine; `causes`: any of these is right.

    `already_ns`: for so long the network had lost every packet before it began, by chance.
    """

    from_ns: int
    until_ns: int
    causes: frozenset[str]
    what: str
    already_ns: int = 0


@dataclass
class Sender:
    """A device with its own clock: `skew_ppm` fast, numbers and timestamps that begin anywhere."""

    dice: random.Random
    kind: str
    skew_ppm: float
    sequence: int = 0
    ticks: float = 0.0

    def __post_init__(self) -> None:
        self.step_ns = (20 if self.kind == "audio" else 40) * MS
        self.begin_anew()

    def begin_anew(self) -> None:
        """Other numbers, as after a reconnection."""
        self.sequence, self.ticks = self.dice.randrange(1 << 16), float(self.dice.randrange(1 << 32))

    def pass_time(self, passed_ns: int) -> None:
        """The device's clock goes on."""
        per_step = AUDIO_STEP if self.kind == "audio" else VIDEO_STEP
        self.ticks += passed_ns / self.step_ns * per_step * (1 + self.skew_ppm * 1e-6)

    def packet(self) -> bytes:
        """The next packet of now."""
        packet = rtp(self.sequence, round(self.ticks) & 0xFFFFFFFF, 80, 111 if self.kind == "audio" else 96)
        self.sequence += 1
        return packet


@dataclass
class History:
    """One play. `holes` are what the ledger must say, and all that it may say."""

    folder: Path
    seed: int
    kind: str
    holes: list[Hole] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.clock = SteppedClock()
        self.began_ns = self.clock.now_ns
        self.sender = Sender(self.dice, self.kind, self.dice.uniform(-200, 200))
        self.capture_ns = self.clock.now_ns
        # What is on its way: (arrival, order, call), told to the session in order of arrival.
        self._coming: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._tick_ns = self.clock.now_ns
        self._floor_ns = 0
        self.lost_since_ns: int | None = None
        # The newest packets: (arrival, capture); a lost one never arrives.
        self._sent: deque[tuple[int | None, int]] = deque(maxlen=16)
        self.jitter_ns = self.dice.choice((0, 4 * MS, 12 * MS))
        self.loss = self.dice.choice((0.0, 0.0, 0.01))
        self.stepped = Stepped(self.folder, self.clock, Disk(NoSyncs()))
        self._start_track()

    @property
    def info(self) -> TrackInfo:
        """The line's track."""
        return microphone() if self.kind == "audio" else camera()

    @property
    def track_id(self) -> str:
        """Its name in the room."""
        return self.info.track_id

    def _start_track(self) -> None:
        self.stepped.session.track_started(self.info, self.clock.now_ns)

    # -- what happens ---------------------------------------------------------------------------------------

    def speak(self, lasting_ns: int) -> None:
        """Everything is well, but for jitter and single losses."""
        for _ in self._steps(lasting_ns):
            self._send(self._delay_ns(), lost=self.dice.random() < self.loss)

    def lose(self, lasting_ns: int) -> None:
        """The network takes everything."""
        with self._hole("network", "loss"):
            for _ in self._steps(lasting_ns):
                self._send(0, lost=True)

    def cut_line(self, lasting_ns: int) -> None:
        """The transport is lost, which the server notices a while later."""
        noticed = self.dice.randrange(3)
        with self._hole("network", "cut line"):
            for count, _ in enumerate(self._steps(lasting_ns)):
                if count * self.sender.step_ns // SECOND == noticed:
                    noticed = 99
                    self._event("transport_lost")
                self._send(0, lost=True)

    def stall(self, lasting_ns: int) -> None:
        """The device captures nothing and its clock stands: a phone call."""
        with self._hole("sender_stall", "stall"):
            self.capture_ns += lasting_ns

    def sleep(self, lasting_ns: int) -> None:
        """The device sends nothing and its clock runs."""
        with self._hole("sender_stall", "sleep"):
            self._pass(lasting_ns)

    def be_silent(self, lasting_ns: int) -> None:
        """Discontinuous transmission: a packet every 400 ms, which is no hole."""
        if self.kind != "audio":
            return
        self._be_heard()
        for count, _ in enumerate(self._steps(lasting_ns)):
            if count % 20 == 19:
                self._send(self._delay_ns())
        self._be_heard()

    def _be_heard(self) -> None:
        """On either side of silence nothing is lost. A loss there is named for as long as it may have been, and
        rightly: nobody knows whether it was a word or the silence.
        """
        for _ in self._steps(100 * MS):
            self._send(self._delay_ns())

    def mute(self, lasting_ns: int) -> None:
        """The person mutes; the clock of the device runs or stands."""
        self._with_events(lasting_ns, "muted", "unmuted", "mute")

    def lose_device(self, lasting_ns: int) -> None:
        """The headset is unplugged."""
        self._with_events(lasting_ns, "device_lost", "device_back", "device")

    def rest(self, lasting_ns: int) -> None:
        """The room lets a layer rest."""
        if self.kind == "video":
            self._with_events(lasting_ns, "not_wanted", "wanted", "not_wanted")

    def _with_events(self, lasting_ns: int, begin: str, end: str, cause: str) -> None:
        with self._hole(cause, begin):
            self._event(begin)
            if self.dice.random() < 0.5:
                self._pass(lasting_ns)
            else:
                self.capture_ns += lasting_ns
            self._event(end)

    def hold(self, lasting_ns: int) -> None:
        """The room forwards nothing; people go on sending."""
        self._unpassed(lasting_ns, "held", "released", "hold")

    def overload(self, lasting_ns: int) -> None:
        """The server is too busy to hand packets over."""
        self._unpassed(lasting_ns, "overloaded", "relieved", "overload")

    def _unpassed(self, lasting_ns: int, begin: str, end: str, cause: str) -> None:
        with self._hole(cause, begin):
            self._event(begin)
            for _ in self._steps(lasting_ns):
                self._send(0, lost=True)
            self._event(end)

    def freeze(self, lasting_ns: int) -> None:
        """The network holds packets back and lets them go at once, or little by little: nothing is missing."""
        speed = self.dice.choice((1.3, 2.0, 5.0, 100.0))
        began_ns, until_ns = self.capture_ns, self.capture_ns + lasting_ns
        for _ in self._steps(round(lasting_ns * (1 + 1 / (speed - 1)))):
            drained_ns = until_ns + round((self.capture_ns - began_ns) / speed)
            self._send(max(drained_ns - self.capture_ns, self._delay_ns()))

    def stand_still(self, lasting_ns: int) -> None:
        """A stopped process: its inbox keeps the first packets, the others are lost."""
        kept = self.dice.randrange(1, 8)
        until_ns = self.capture_ns + lasting_ns
        lost_ns = lasting_ns - kept * self.sender.step_ns
        for _ in self._steps(kept * self.sender.step_ns):
            self._send(until_ns - self.capture_ns)
        with self._hole("network", "standstill"):
            for _ in self._steps(lost_ns):
                self._send(0, lost=True)

    def pause(self, lasting_ns: int) -> None:
        """The court orders a pause; packets come all the while."""
        code = self.dice.choice(("recess", "closed_exhibit", "mediation"))
        with self._hole("recess" if code == "recess" else "policy", code):
            self._at(self.capture_ns + DELAY_NS, lambda: self._court("pause", code))
            for _ in self._steps(lasting_ns):
                self._send(DELAY_NS)
            self._at(self.capture_ns + DELAY_NS, lambda: self._court("resume", ""))

    def _court(self, order: str, code: str) -> None:
        session = self.stepped.session
        if order == "pause":
            session.pause(code=code, at_ns=self.clock.now_ns)
        else:
            session.resume(at_ns=self.clock.now_ns)

    def crash(self, lasting_ns: int) -> None:
        """The recorder is killed and another goes on in its folder, where the same track begins anew."""
        self._deliver(self.capture_ns)
        unsynced_ns = self.clock.now_ns - self._tick_ns
        before_ns = max(unsynced_ns, self._dead_ns())
        self.stepped.abandon()
        with self._hole("crash", "crash", before_ns=before_ns):
            for _ in self._steps(lasting_ns):
                self._send(0, lost=True)
        self._coming.clear()
        self.clock.pass_ns(self.capture_ns - self.clock.now_ns)  # nobody turns the dead
        self.stepped = Stepped(self.folder, self.clock, Disk(NoSyncs()))
        self._tick_ns = self.clock.now_ns
        self._start_track()

    def _dead_ns(self) -> int:
        """For how long back nothing will be on the record: lost, on its way, or waiting in memory."""
        first_ns = self.capture_ns
        for arrives_ns, captured_ns in reversed(self._sent):
            if arrives_ns is not None and arrives_ns <= self._tick_ns:
                break
            first_ns = captured_ns
        return self.capture_ns - first_ns

    def reconnect(self, lasting_ns: int) -> None:
        """The person's connection is made anew: another track with other numbers."""
        with self._hole("absent", "reconnection", "network", "sender_stall"):
            self._at(self.capture_ns + DELAY_NS, self._end_track)
            self._pass(lasting_ns)
            self.sender.begin_anew()
            self._at(self.capture_ns + DELAY_NS, self._start_track)

    def _end_track(self) -> None:
        self.stepped.session.track_ended(self.track_id, self.clock.now_ns, "left")

    # -- the machinery --------------------------------------------------------------------------------------

    def _steps(self, lasting_ns: int) -> Iterator[None]:
        """One turn of a loop per packet; time passes behind each."""
        for _ in range(max(round(lasting_ns / self.sender.step_ns), 0)):
            yield
            self._pass(self.sender.step_ns)

    def _pass(self, lasting_ns: int) -> None:
        self.capture_ns += lasting_ns
        self.sender.pass_time(lasting_ns)

    def _delay_ns(self) -> int:
        if not self.jitter_ns:
            return DELAY_NS
        # Later than that is no jitter: `freeze` is about it.
        return DELAY_NS + min(int(self.dice.expovariate(1 / self.jitter_ns)), MOST_JITTER_NS)

    def _send(self, delay_ns: int, *, lost: bool = False) -> None:
        packet = self.sender.packet()
        if lost:
            self.lost_since_ns = self.capture_ns if self.lost_since_ns is None else self.lost_since_ns
            self._sent.append((None, self.capture_ns))
        else:
            self.lost_since_ns = None
            # A network that reorders more than a little is another test's matter.
            self._floor_ns = max(self.capture_ns + delay_ns, self._floor_ns)
            self._at(self._floor_ns, lambda: self._hand_over(packet))
            self._sent.append((self._floor_ns, self.capture_ns))

    def _hand_over(self, packet: bytes) -> None:
        self.stepped.session.packet(self.track_id, packet, self.clock.now_ns)

    def _event(self, event: str) -> None:
        self._at(
            self.capture_ns + DELAY_NS,
            lambda: self.stepped.session.track_event(self.track_id, event, self.clock.now_ns),
        )

    def _at(self, at_ns: int, call: Callable[[], None]) -> None:
        self._order += 1
        self._coming.append((at_ns, self._order, call))

    def _hole(self, cause: str, what: str, *also: str, before_ns: int = 0) -> _Noting:
        return _Noting(self, frozenset({cause, *also}), what, before_ns)

    def _move(self, until_ns: int) -> None:
        """The clock goes on, and the writer is turned whenever its tick is due."""
        while self._tick_ns + TICK_NS <= until_ns:
            self.clock.pass_ns(max(self._tick_ns + TICK_NS - self.clock.now_ns, 0))
            self._tick_ns = self.clock.now_ns
            self.stepped.turn()
        self.clock.pass_ns(max(until_ns - self.clock.now_ns, 0))

    def _deliver(self, until_ns: int) -> None:
        self._coming.sort(key=lambda coming: coming[:2])
        while self._coming and self._coming[0][0] <= until_ns:
            at_ns, _, call = self._coming.pop(0)
            self._move(at_ns)
            call()
        self._move(until_ns)

    def play(self, parts: int) -> Manifest:
        """`parts` random mishaps with calm between them; the closed recording's manifest."""
        mishaps: list[Callable[[int], None]] = [
            self.lose, self.cut_line, self.stall, self.sleep, self.be_silent, self.mute, self.lose_device, self.rest,
            self.hold, self.overload, self.freeze, self.stand_still, self.pause, self.crash, self.reconnect,
        ]  # fmt: skip
        self.speak(2 * SECOND)
        for _ in range(parts):
            mishap = self.dice.choice(mishaps)
            lasting_ns = self.dice.randrange(12, 80) * 100 * MS // self.sender.step_ns * self.sender.step_ns
            self.told.append(f"{mishap.__name__} {lasting_ns / SECOND}")
            mishap(lasting_ns)
            self.speak(self.dice.randrange(20, 60) * 100 * MS)
        self._deliver(max([self.capture_ns + DELAY_NS, *(at_ns for at_ns, _, _ in self._coming)]))
        return self.stepped.close()


class _Noting:
    """Notes the hole between entering and leaving."""

    def __init__(self, history: History, causes: frozenset[str], what: str, before_ns: int) -> None:
        self._history, self._causes, self._what, self._before_ns = history, causes, what, before_ns
        self._from_ns = 0
        self._already_ns = 0

    def __enter__(self) -> None:
        self._from_ns = self._history.capture_ns - self._before_ns
        lost_since_ns = self._history.lost_since_ns
        self._already_ns = self._history.capture_ns - lost_since_ns if lost_since_ns is not None else 0

    def __exit__(self, *_: object) -> None:
        shift_ns = DELAY_NS - self._history.began_ns
        self._history.holes.append(
            Hole(
                self._from_ns + shift_ns,
                self._history.capture_ns + shift_ns,
                self._causes,
                self._what,
                self._already_ns,
            )
        )
