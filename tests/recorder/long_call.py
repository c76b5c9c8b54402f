"""Hours of one person's sound and picture in seconds: every packet's true moment of capture beside what it carries.

One path for both (its delay jumps when the phone changes networks, and jitters), two clocks in the device: the sound
card's, which counts samples, and the system's, which stamps pictures and sender reports. Phone calls stop the capture,
and afterwards the timestamps lie in one of the ways phones do.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

NS_PER_S = 1_000_000_000
NTP_EPOCH_S = 2_208_988_800
LIES = ("frozen", "stuck", "truthful", "anew", "ahead", "behind")


@dataclass(frozen=True)
class Captured:
    """One packet: captured at `true_ns`, arrived at `at_ns` with `timestamp`; both clocks are the machine's.

    Not `real`: sent while nothing was captured, with the timestamp that stood still.
    """

    true_ns: int
    at_ns: int
    timestamp: int
    real: bool = True


@dataclass(frozen=True)
class Report:
    """A sender report as it arrived."""

    at_ns: int
    ntp: int
    timestamp: int


@dataclass(frozen=True)
class Call:
    """Nothing is captured from `from_s` to `until_s`; then sound and picture lie as named, each by its own."""

    from_s: float
    until_s: float
    sound: str
    picture: str


@dataclass
class LongCall:
    """The person's hearing. `sound_ppm`, `system_ppm`: how fast the two clocks run."""

    seed: int
    length_s: float
    sound_ppm: float
    system_ppm: float
    reports: bool = True
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        dice = random.Random(self.seed)
        self.calls = [
            Call(at_s, at_s + dice.uniform(4, 60), dice.choice(LIES), dice.choice(LIES))
            for at_s in self._moments(dice, every_s=300)
        ]
        self.mutes = [(at_s, at_s + dice.uniform(2, 60)) for at_s in self._moments(dice, every_s=120)]
        self.silences = [(at_s, at_s + dice.uniform(2, 30)) for at_s in self._moments(dice, every_s=60)]
        self.rotations = [(at_s, at_s + dice.uniform(0.1, 0.9)) for at_s in self._moments(dice, every_s=90)]
        # (from, least delay, jitter, nothing gets through until): a change of networks.
        self.paths = [(0.0, 0.03, 0.008, 0.0)] + [
            (at_s, dice.uniform(0.01, 0.15), dice.choice((0.003, 0.01, 0.03)), at_s + dice.uniform(0.1, 3))
            for at_s in self._moments(dice, every_s=180)
        ]

    def _moments(self, dice: random.Random, *, every_s: float) -> list[float]:
        found: list[float] = []
        at_s = 20.0
        while True:
            at_s += dice.uniform(0.4, 1.6) * every_s
            if at_s >= self.length_s - 90:
                return found
            found.append(at_s)

    def sound(self) -> Iterator[Captured | Report]:
        """The microphone's packets of 20 ms and its reports, in order of arrival."""
        yield from self._track("sound", 48_000, 0.02, self.sound_ppm, encode_s=0.0)

    def picture(self) -> Iterator[Captured | Report]:
        """The camera's pictures, 30 a second, each a packet; encoding takes its time."""
        yield from self._track("picture", 90_000, 1 / 30, self.system_ppm, encode_s=0.02)

    def _track(
        self, kind: str, rate_hz: int, step_s: float, ppm: float, *, encode_s: float
    ) -> Iterator[Captured | Report]:
        dice = random.Random(self.seed * 2 + (kind == "sound"))
        absent = self._absent(kind)
        stamps = _Stamps(self.calls, kind, dice.randrange(1 << 32), rate_hz, ppm, dice)
        last_ns, at_s, report_s, count = 0, 0.0, 1.0, 0
        while at_s < self.length_s:
            away_until_s = absent.until_s(at_s)
            if away_until_s is not None:
                count += max(int((away_until_s - at_s) / step_s), 1)
                at_s = count * step_s
                continue
            quiet = kind == "sound" and any(first <= at_s < last for first, last in self.silences)
            delay_s = self._delay_s(at_s, dice) + (dice.uniform(0.5, 1.5) * encode_s)
            at_ns = max(int((at_s + delay_s) * NS_PER_S), last_ns)
            last_ns = at_ns
            stuck = self._stuck_since(kind, at_s)
            timestamp = stamps.at(at_s if stuck is None else stuck)
            if not quiet or count % 20 == 0:
                yield Captured(int(at_s * NS_PER_S), at_ns, timestamp, stuck is None)
            if self.reports and at_s >= report_s and stuck is None:
                report_s = at_s + dice.uniform(1, 5)
                system_s = NTP_EPOCH_S + 1_790_000_000 + at_s * (1 + self.system_ppm * 1e-6)
                yield Report(at_ns, int(system_s) << 32 | int(system_s % 1 * (1 << 32)), timestamp)
            count += 1
            at_s = count * step_s

    def _absent(self, kind: str) -> _Spans:
        calls = [(call.from_s, call.until_s) for call in self.calls if _lie(call, kind) != "stuck"]
        return _Spans(calls + (self.mutes if kind == "sound" else self.rotations))

    def _stuck_since(self, kind: str, at_s: float) -> float | None:
        """When the call began in which this track sends on without capturing; None outside of one."""
        stuck = (call for call in self.calls if call.from_s <= at_s < call.until_s)
        return next((call.from_s for call in stuck if _lie(call, kind) == "stuck"), None)

    def _delay_s(self, at_s: float, dice: random.Random) -> float:
        _, least_s, jitter_s, until_s = self.paths[
            bisect_right(self.paths, at_s, key=lambda path: path[0]) - 1
        ]
        waits_s = max(until_s - at_s, 0.0)  # kept back, and let go at once
        return waits_s + least_s + dice.expovariate(1 / jitter_s)


def _lie(call: Call, kind: str) -> str:
    return call.sound if kind == "sound" else call.picture


class _Spans:
    def __init__(self, spans: list[tuple[float, float]]) -> None:
        self._spans = sorted(spans)

    def until_s(self, at_s: float) -> float | None:
        """The end of the absence in force, None when there is none."""
        return max((last for first, last in self._spans if first <= at_s < last), default=None)


class _Stamps:
    """Timestamps of one track; each call leaves them as its lie says."""

    def __init__(
        self, calls: list[Call], kind: str, first: int, rate_hz: int, ppm: float, dice: random.Random
    ) -> None:
        self._rate_hz, self._ppm, self._first = rate_hz, ppm, first
        self._shifts: list[tuple[float, float]] = []
        shift_s = 0.0
        for call in calls:
            lasting_s = call.until_s - call.from_s
            shift_s += {
                "frozen": -lasting_s,
                "stuck": -lasting_s,
                "truthful": 0.0,
                "anew": dice.uniform(-20_000, 20_000),
                "ahead": dice.uniform(0.3, 8),
                "behind": -dice.uniform(0.3, lasting_s),
            }[_lie(call, kind)]
            self._shifts.append((call.until_s, shift_s))

    def at(self, at_s: float) -> int:
        """The timestamp captured at a true moment."""
        index = bisect_right(self._shifts, at_s, key=lambda shift: shift[0])
        shift_s = self._shifts[index - 1][1] if index else 0.0
        device_s = at_s * (1 + self._ppm * 1e-6) + shift_s
        return (self._first + round(device_s * self._rate_hz)) & 0xFFFFFFFF
