"""Does the server keep its size? A hearing at load for a long time, with people who come and go.

Run: python -m bench.soak [--minutes 30] [--members 6] [--visit-every S] [--pure] [--unrecorded] [--trace]

The server is alone in its process, recorded rooms included. Every ten seconds it says what its memory consists of
(`bench.memory`); a straight line is fitted through what is in use over the last two thirds: in the first third caches,
histograms and the interpreter's free lists fill. The run fails when

- the line climbs by more than 1 % of the memory an hour beyond twice its own uncertainty,
- its own resident memory is ever more than 10 % above its mean in the first half of that time: allocators keep every
  peak, so on a machine that lets packets wait it goes up in steps, and what may wait is bounded,
- anything a visitor brought is still there at the end: tasks, threads, descriptors, epoll entries, objects. Visitors
  come before and after the line is drawn; with --visit-every also while it is.

Known to grow, and inside the limit: a recording's book, 0.14 MB an hour for its segments and about 1 kB for every
track that has ended. --trace also lists the lines of code that hold more at the end than after the first third
(tracemalloc; the figures of such a run are larger and slower).
"""

from __future__ import annotations

import argparse
import asyncio
import math
import re
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import uvloop

from bench import measure
from bench.load import Hearing
from bench.member import Member, Tally
from signaling.native.build import why_not

ROOM: Final = "bench0"
SAMPLE_S: Final = 10.0
WARM_SHARE: Final = 1 / 3
# A server of 70 MB that runs a working day of ten hours may become 7 MB larger: less than one participant may need.
LIMIT_PER_HOUR: Final = 0.01
PEAKS: Final = (
    0.10  # of the resident memory: some seconds of a hearing's packets, waiting for a disk or a core
)
# The interpreter's free lists (2000 tuples of a length) fill for about six minutes. Of a run whose first third is
# shorter the line says nothing; what is left over does.
JUDGED_FROM_S: Final = 1200.0
SURE: Final = 2.0  # standard errors
FIRST_VISITOR: Final = 1000
VISIT_TIMEOUT_S: Final = 20.0
SETTLE_S: Final = 15.0
PRINT_EVERY: Final = 6  # samples
CALM, CALM_S = 4, 0.3  # so many equal inventories, so far apart, are the truth
_MEMORY: Final = {"resident_mb": 0.0}  # never the same twice; judged by the line


class Goodbye(StrEnum):
    """The ways people leave."""

    LEAVE = "leave"  # by the button
    VANISH = "vanish"  # the phone dies, the seat is given up later
    REMOVED = "removed"  # by the judge
    RETURN = "return"  # the page is loaded again, on the same seat; then by the button
    HALF = "half"  # offers, and never connects


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted line: its climb per hour as a share of the mean, and how far that may be wrong."""

    mean: float
    per_hour: float
    error_per_hour: float

    @property
    def climbs(self) -> bool:
        return self.per_hour - SURE * self.error_per_hour > LIMIT_PER_HOUR


def fit(samples: Sequence[tuple[float, float]]) -> Line:
    """Least squares through (seconds, value). ValueError for fewer than three samples."""
    if len(samples) < 3:
        raise ValueError("three samples make a line")
    times = [at for at, _ in samples]
    values = [value for _, value in samples]
    slope, start = statistics.linear_regression(times, values)
    rest = sum((value - start - slope * at) ** 2 for at, value in samples) / (len(samples) - 2)
    spread = sum((at - statistics.fmean(times)) ** 2 for at in times)
    mean = statistics.fmean(values)
    return Line(mean, 3600 * slope / mean, 3600 * math.sqrt(rest / spread) / mean)


class Soak(Hearing):
    """A hearing with visitors beside its members."""

    def __init__(self, count: int, *, arguments: Sequence[str] = ()) -> None:
        super().__init__(count, arguments=arguments)
        self._visitors: dict[str, Member] = {}
        self._left: set[str] = set()
        self._is_over = False
        self._numbers = FIRST_VISITOR
        self.visits = 0

    def _news(self, news: dict[str, Any]) -> None:
        visitor = self._visitors.get(news["seat"])
        if "offer" not in news or news["seat"] in self._left or self._is_over:
            return  # a layer's rest, or an offer to somebody who has just left
        if visitor is not None:
            self.spawn(self._answer_quietly(visitor, news))
        else:
            super()._news(news)

    async def _answer_quietly(self, visitor: Member, news: dict[str, Any]) -> None:
        try:
            await self._answer(visitor, news)
        except (KeyError, OSError, TimeoutError):
            return  # it left while it answered

    async def _answer(self, member: Member, offer: dict[str, Any]) -> None:
        """Forget the streams of those who left: a report of hundreds fits no packet.

        First, in the order of the offers: while one is answered the next may already name more.
        """
        offered = {int(ssrc) for ssrc in re.findall(r"a=ssrc:(\d+) ", offer["offer"])}
        for ssrc in [ssrc for ssrc in member.heard if ssrc not in offered]:
            del member.heard[ssrc]
        await super()._answer(member, offer)

    async def end(self) -> dict[str, Any]:
        self._is_over = True
        return await super().end()

    async def inventory(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.server.ask("inventory"))["inventory"]
        return found

    async def memory(self) -> dict[str, float]:
        found: dict[str, float] = (await self.server.ask("memory"))["memory"]
        return found

    async def grown(self) -> list[str]:
        found: list[str] = (await self.server.ask("grown"))["grown"]
        return found

    async def visit(self, goodbye: Goodbye) -> None:
        """Somebody comes, is heard, sees the others, and leaves."""
        self._numbers += 1
        self.visits += 1
        identity = f"v{self._numbers}"
        async with asyncio.timeout(VISIT_TIMEOUT_S):
            visitor = await self._sit(identity, half=goodbye is Goodbye.HALF)
            if goodbye is Goodbye.RETURN:
                await self._stand_up(visitor)
                visitor = await self._sit(identity, half=False)
            if goodbye is Goodbye.VANISH:
                await self._stand_up(visitor)
            if goodbye is Goodbye.REMOVED:
                await self.server.ask("remove", room=ROOM, identity=identity)
            else:
                await self.server.ask("leave", seat=visitor.seat)
            await self._stand_up(visitor)

    async def _sit(self, identity: str, *, half: bool) -> Member:
        visitor = Member(self._numbers, Tally())
        # One visitor sits down at a time per seat; its first offer may be told before `join` is answered.
        visitor.seat = (await self.server.ask("join", identity=identity, room=ROOM))["seat"]
        self._visitors[visitor.seat] = visitor
        for offer in self._early.pop(visitor.seat, []):
            self._news(offer)
        answer = await self.server.ask("publish", seat=visitor.seat, sdp=visitor.offer())
        if half:
            return visitor
        await visitor.sending.connect(answer["sdp"])
        for turn in range(10):
            visitor.speak()
            if turn % 2 == 0:
                visitor.show()
            await asyncio.sleep(0.005)
        while not any(each.packets for each in visitor.heard.values()):  # noqa: ASYNC110 - a counter, no event
            await asyncio.sleep(0.02)
        visitor.report()
        return visitor

    async def _stand_up(self, visitor: Member) -> None:
        """Both connections end without a word, as when a phone dies."""
        if self._visitors.pop(visitor.seat, None) is not None:
            self._left.add(visitor.seat)
            await visitor.close()

    async def settled(self, *, timeout_s: float = SETTLE_S) -> dict[str, Any]:
        """An inventory that stays the same for a while. TimeoutError when it never does."""
        async with asyncio.timeout(timeout_s):
            found: list[dict[str, Any]] = []
            while len(found) < CALM or any(one | _MEMORY != found[-1] | _MEMORY for one in found[-CALM:]):
                await asyncio.sleep(CALM_S)
                found.append(await self.inventory())
            return found[-1]

    async def settle(self, wanted: dict[str, Any], *, timeout_s: float = SETTLE_S) -> list[str]:
        """What is still different from `wanted` after a while; [] when nothing is (memory is judged elsewhere)."""
        began = time.monotonic()
        while True:
            now = await self.inventory()
            different = [
                f"{name}: {wanted[name]} before, {now[name]} now"
                for name in wanted
                if name != "resident_mb" and wanted[name] != now[name]
            ]
            if not different or time.monotonic() - began > timeout_s:
                return different
            await asyncio.sleep(0.3)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the server's memory was made of at one moment (`bench.memory`)."""

    at_s: float
    parts: dict[str, float]

    def line(self) -> str:
        parts = self.parts
        told = " ".join(
            f"{name.removesuffix('_mb')} {parts[name]:.2f}"
            for name in ("used_mb", "python_used_mb", "malloc_used_mb", "malloc_mapped_mb", "malloc_free_mb")
            if name in parts
        )
        return f"{self.at_s:8.0f} s  MB: own {parts['anon_mb']:.2f}, files {parts['file_mb']:.2f}; {told}"


async def sample(soak: Soak, seconds: float, every_s: float, options: argparse.Namespace) -> list[Sample]:
    """The server's memory, while people come and go where that is asked for."""
    ways = list(Goodbye)
    began = time.monotonic()
    samples: list[Sample] = []
    next_visit_s = options.visit_every or math.inf
    is_warm = not options.trace
    while (at_s := time.monotonic() - began) < seconds:
        samples.append(Sample(at_s, await soak.memory()))
        if len(samples) % PRINT_EVERY == 1:
            print(samples[-1].line(), flush=True)
        if not is_warm and at_s >= seconds * WARM_SHARE:
            is_warm = True
            await soak.grown()
        if at_s >= next_visit_s:
            next_visit_s += options.visit_every
            await soak.visit(ways[soak.visits % len(ways)])
        await asyncio.sleep(max(0.0, samples[-1].at_s + every_s - (time.monotonic() - began)))
    return samples


async def run(options: argparse.Namespace) -> int:
    arguments = [*(["--pure"] if options.pure else []), *(["--unrecorded"] if options.unrecorded else [])]
    seconds = options.seconds or options.minutes * 60
    every_s = min(SAMPLE_S, seconds / 40)
    print(_path(options), flush=True)
    soak = Soak(options.members, arguments=arguments)
    await soak.begin()
    try:
        if options.trace:
            await soak.grown()
        for way in Goodbye:  # once each, so that everything that is made on first use is there
            await soak.visit(way)
        before = await soak.settled()
        samples = await sample(soak, seconds, every_s, options)
        for line in await soak.grown() if options.trace else ():
            print(f"grown {line}")
        for way in Goodbye:
            await soak.visit(way)
        left = await soak.settle(before)
        soak.sync()
        lost, heard = soak.lost, soak.tally.packets
        after = await soak.inventory()
    finally:
        await soak.end()
    print(f"visits {soak.visits}, packets heard {heard}, lost {lost}")
    print(f"before {before}")
    print(f"after  {after}")
    for difference in left:
        print(f"LEFT OVER {difference}")
    return 1 if judged(samples, seconds, left, soak.visits) or left else 0


def judged(samples: Sequence[Sample], seconds: float, left: Sequence[str], visits: int) -> bool:
    """Print what was found and the last line; whether memory climbs."""
    is_long = seconds >= JUDGED_FROM_S
    used = fit(_warm(samples, seconds, "used_mb"))
    own = _warm(samples, seconds, "anon_mb")
    usual = statistics.fmean(megabytes for _, megabytes in own[: len(own) // 2])
    peak = max(megabytes for _, megabytes in own) / usual - 1
    climbs = is_long and used.climbs
    soars = is_long and peak > PEAKS
    print(
        f"in use {used.mean:.1f} MB; over the last two thirds {used.per_hour:+.2%} an hour, give or take "
        f"{SURE * used.error_per_hour:.2%} (limit {LIMIT_PER_HOUR:.0%}): "
        f"{'CLIMBS' if climbs else 'flat' if is_long else 'too short to judge'}"
    )
    print(
        f"own resident memory {usual:.1f} MB, at most {peak:+.1%} of it later (limit {PEAKS:.0%}), "
        f"{fit(own).per_hour:+.2%} an hour{': SOARS' if soars else ''}"
    )
    measure.print_result(
        "soak",
        {
            "growth_per_hour": measure.figure(
                used.per_hour * used.mean, "MB/h in use", "memory in use, MB", used.mean
            ),
            "resident_peak": measure.figure(usual * (1 + peak), "MB", "usual own resident memory", usual),
            "left_over": measure.figure(len(left), "kinds", "visits", visits),
        },
    )
    return climbs or soars


def _warm(samples: Sequence[Sample], seconds: float, part: str) -> list[tuple[float, float]]:
    return [(each.at_s, each.parts[part]) for each in samples if each.at_s >= seconds * WARM_SHARE]


def _path(options: argparse.Namespace) -> str:
    reason = "--pure" if options.pure else why_not()
    path = f"the Python path ({reason})" if reason else "the native path"
    return f"{options.members} members on {path}{', not recorded' if options.unrecorded else ', recorded'}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument(
        "--seconds", type=float, default=0.0, help="a short form; the fit is printed, not judged"
    )
    parser.add_argument("--members", type=int, default=6)
    parser.add_argument("--visit-every", type=float, default=0.0, metavar="S", help="default: none meanwhile")
    parser.add_argument("--pure", action="store_true", help="the Python path")
    parser.add_argument("--unrecorded", action="store_true", help="without recorders")
    parser.add_argument("--trace", action="store_true", help="say which lines of code hold more than before")
    sys.exit(uvloop.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
