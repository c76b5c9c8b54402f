"""How many hearings one media process carries, and what a full room costs when only what is watched is sent.

Run: python -m bench.density [--quick] [--pure]

1. The curve: rooms of six (everybody publishes 1 Mbit/s VP8 and Opus and gets everybody, every room recorded) are
   added to one server process until the p99 of the time a packet stays in it passes 5 ms or it uses a whole core. CPU
   is user and system time of the process from /proc; times are the server's own histogram, of the window alone. One
   member in each room reads what it gets, in C where there is a compiler; of the others the kernel throws it away, so
   that the load client is not full first. When it is (it sends less than it should, or uses a whole core) the curve
   ends and says so: the server carries more. It also ends after BUDGET_S.
2. The full room: twelve members with three simulcast layers each, one of them speaking, first with everything sent to
   everybody, then with the eight pictures of last-N, then with small tiles around a large speaker as a phone shows
   them, then with the layers that nobody watches at rest; the ends of it once more without a recorder, which takes
   everybody's best layer whether it is watched or not. Members obey the server as browsers do.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import uvloop

from bench import measure
from bench.child import Child
from bench.compiled import why_not
from bench.counter import Counter
from bench.load import AUDIO_S, PICTURE_S, REPORT_S, Hearing
from bench.member import Member, Tally
from bench.simulcast import SimulcastMember
from signaling.rtp.histogram import Spread

ROOM_SIZE = 6
FULL_ROOM = 12
LIMIT_MS = 5.0
FULL_CORE = 0.95
SENT_SHARE = (
    0.97  # of what members should send: below it the load client is full, and the figure a lower bound
)
LAST_N = 8
STAGE_PX, TILE_PX = 720, 180
SETTLE_S = 1.5
TRIES = 3
BUDGET_S = 150.0  # of one curve; the native and the pure one and the full room stay within eight minutes
JOIN_S = 60.0
QUIET_LEVEL = 127


@dataclass(frozen=True, slots=True)
class Window:
    """One measured stretch."""

    rooms: int
    out_per_s: float
    in_per_s: float
    read_mbps: float  # what the reading members got
    core_share: float
    client_share: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    unrecorded: int  # packets that were forwarded and came too fast for the recorder

    @property
    def us_per_packet(self) -> float:
        return self.core_share * 1e6 / self.out_per_s if self.out_per_s else 0.0

    def line(self) -> str:
        return (
            f"{self.rooms:3} rooms: {self.in_per_s:7.0f} packets/s in, {self.out_per_s:8.0f} out, "
            f"{self.core_share:6.1%} of a core ({self.us_per_packet:.2f} us per packet); stayed p50 "
            f"{self.p50_ms:.2f}, p99 {self.p99_ms:.2f}, p99.9 {self.p999_ms:.2f} ms; client {self.client_share:.1%}"
            + (f"; {self.unrecorded} NOT RECORDED" if self.unrecorded else "")
        )


NO_ROOM: Final = Window(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)


class Court(Hearing):
    """Rooms that come one after the other, each with a pace of its own."""

    def __init__(
        self, members: Sequence[Member], tally: Tally, *, size: int, arguments: Sequence[str]
    ) -> None:
        super().__init__(0, arguments=arguments)
        self.members = list(members)
        self.tally = tally
        self._size = size
        self._by_seat: dict[str, Member] = {}
        self._counts = not why_not()

    def everything_of(self, room: int) -> list[Member]:
        return self.members[room * self._size : (room + 1) * self._size]

    async def start(self) -> None:
        self.server = await Child.start("bench.room_server", *self._arguments, on_news=self._news)

    async def open(self, room: int, *, readers: int) -> None:
        """Seat one room and let it send; returns when everything that is read arrives."""
        members = self.everything_of(room)
        for member in members:
            seated = await self.server.ask("join", identity=f"m{member.number}", room=f"bench{room}")
            answer = await self.server.ask("publish", seat=seated["seat"], sdp=member.offer())
            member.seat = seated["seat"]
            self._by_seat[member.seat] = member
            for news in self._early.pop(member.seat, []):
                self._hear(member, news)
            await member.sending.connect(answer["sdp"])
        self.spawn(self._pace(members))
        async with asyncio.timeout(JOIN_S):
            while any(not self._hears(member) for member in members):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        for member in members[readers:]:
            member.watching.deafen()
        if self._counts and readers < len(members):
            self._read_in_c(members[:readers])

    def _read_in_c(self, members: Sequence[Member]) -> None:
        if self._counter is None:
            self._counter = Counter(self.tally)
            self.spawn(self._sync())
        for member in members:
            self._counter.take(member)

    def _hears(self, member: Member) -> bool:
        return sum(1 for heard in member.heard.values() if heard.packets) >= self._size

    def _news(self, news: dict[str, object]) -> None:
        member = self._by_seat.get(str(news["seat"]))
        if member is None:
            self._early.setdefault(str(news["seat"]), []).append(news)
        else:
            self._hear(member, news)

    def _hear(self, member: Member, news: dict[str, object]) -> None:
        if "offer" in news:
            self.spawn(self._answer(member, news))
        elif isinstance(member, SimulcastMember) and news["source"] == "camera":
            rids = news["rids"]
            member.want(list(rids) if isinstance(rids, list) else None)

    async def _pace(self, members: Sequence[Member]) -> None:
        """Everything at its time; only the first of a room speaks, the others' microphones are open."""
        began = time.monotonic()
        due: list[tuple[float, int, int]] = []
        acts: list[tuple[float, Callable[[], None]]] = []
        for place, member in enumerate(members):
            level = 30 if place == 0 else QUIET_LEVEL
            doings = (
                (AUDIO_S, lambda member=member, level=level: member.speak(level)),
                (PICTURE_S, member.show),
                (REPORT_S, member.report),
            )
            for period_s, act in doings:
                due.append((began + place / len(members) * period_s, len(acts), 0))
                acts.append((period_s, act))
        heapq.heapify(due)
        while True:
            at, number, _ = due[0]
            wait_s = at - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
                continue
            period_s, act = acts[number]
            act()
            heapq.heapreplace(due, (at + period_s, number, 0))

    async def measure(self, rooms: int, length_s: float) -> Window:
        """Let it run for `length_s`."""
        before = await self.server.ask("stats")
        self.sync()
        began, sent, read = time.monotonic(), self.tally.sent, self.tally.bytes
        server_s, own_s = measure.cpu_s(self.pid), time.process_time()
        await asyncio.sleep(length_s)
        elapsed_s = time.monotonic() - began
        server_s, own_s = measure.cpu_s(self.pid) - server_s, time.process_time() - own_s
        self.sync()
        sent, read = self.tally.sent - sent, self.tally.bytes - read
        after = await self.server.ask("stats")
        stayed = _spread(after).since(_spread(before))
        return Window(
            rooms,
            out_per_s=(after["forwarded"] - before["forwarded"]) / elapsed_s,
            in_per_s=sent / elapsed_s,
            read_mbps=read * 8 / elapsed_s / 1e6,
            core_share=server_s / elapsed_s,
            client_share=own_s / elapsed_s,
            p50_ms=stayed.quantile_ms(0.5) or 0.0,
            p99_ms=stayed.quantile_ms(0.99) or 0.0,
            p999_ms=stayed.quantile_ms(0.999) or 0.0,
            unrecorded=after["ring_dropped"] - before["ring_dropped"],
        )


def _spread(stats: dict[str, object]) -> Spread:
    counts, sum_ns = stats["stayed"], stats["stayed_ns"]
    assert isinstance(counts, list)
    assert isinstance(sum_ns, int)
    return Spread(tuple(counts), sum_ns)


# The curve


def _steps(quick: bool) -> list[int]:
    return [1, 2, 4] if quick else [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40, 48, 56, 64]


async def curve(arguments: Sequence[str], *, quick: bool, length_s: float) -> list[Window]:
    """Windows of a growing number of rooms, up to the one that is too many."""
    steps, tally = _steps(quick), Tally()
    members = [Member(number, tally) for number in range(ROOM_SIZE * steps[-1])]
    court = Court(members, tally, size=ROOM_SIZE, arguments=arguments)
    windows: list[Window] = []
    opened, began_s = 0, time.monotonic()
    try:
        await court.start()
        for rooms in steps:
            for room in range(opened, rooms):
                await court.open(room, readers=1)
            opened = rooms
            await asyncio.sleep(SETTLE_S)
            windows.append(await _calmest(court, rooms, length_s))
            print(windows[-1].line(), flush=True)
            if windows[-1].p99_ms > LIMIT_MS or windows[-1].core_share > FULL_CORE:
                break
            if reason := _why_full(windows[-1]):
                print(f"the load client is full ({reason}): the server carries more than this", flush=True)
                break
            if time.monotonic() - began_s > BUDGET_S:
                print(f"out of time after {BUDGET_S:.0f} s: the server carries more than this", flush=True)
                break
    finally:
        court.members = court.members[: opened * ROOM_SIZE]
        await court.end()
    return windows


async def _calmest(court: Court, rooms: int, length_s: float) -> Window:
    """One window; one that is too slow is taken again, for other work on the machine is slow but not lasting."""
    found = await court.measure(rooms, length_s)
    for _ in range(TRIES - 1):
        if found.p99_ms <= LIMIT_MS:
            break
        found = min(found, await court.measure(rooms, length_s), key=lambda window: window.p99_ms)
    return found


def _why_full(window: Window) -> str:
    """Why the figures are the load client's and not the server's; "" when they are not."""
    wanted = window.rooms * _room_rate()
    if window.in_per_s < SENT_SHARE * wanted:
        return f"sends {window.in_per_s:.0f} of {wanted:.0f} packets/s"
    return f"uses {window.client_share:.0%} of a core" if window.client_share > FULL_CORE else ""


def _room_rate() -> float:
    """Packets a second that one room should send."""
    return ROOM_SIZE * (1 / AUDIO_S + 4.1 / PICTURE_S)


def carried(windows: Sequence[Window]) -> Window:
    """The last window within both limits; NO_ROOM when not even one room is."""
    good = [each for each in windows if each.p99_ms <= LIMIT_MS and each.core_share <= FULL_CORE]
    return good[-1] if good else NO_ROOM


# The full room


async def full_room(arguments: Sequence[str], *, tiles: bool, length_s: float) -> Window:
    """Twelve members in one room; with `tiles` each shows the speaker large and the others small."""
    tally = Tally()
    members = [SimulcastMember(number, tally) for number in range(FULL_ROOM)]
    court = Court(members, tally, size=FULL_ROOM, arguments=arguments)
    try:
        await court.start()
        await court.open(0, readers=FULL_ROOM)
        for viewer in members if tiles else ():
            for shown in members:
                if shown is not viewer:
                    height_px = STAGE_PX if shown.number == 0 else TILE_PX
                    await court.server.ask(
                        "prefer", seat=viewer.seat, identity=f"m{shown.number}", max_height_px=height_px
                    )
        await asyncio.sleep(SETTLE_S * 2)
        return await court.measure(1, length_s)
    finally:
        await court.end()


async def compare_full_room(path: Sequence[str], *, length_s: float) -> list[Window]:
    """Everything; last-N; with tiles; with layers at rest; the first and the last of these without a recorder.

    A recorder takes the best layer of everybody, watched or not, so less can rest.
    """
    last_n = ["--last-n", str(LAST_N)]
    kinds: list[tuple[str, list[str], bool]] = [
        ("everything to everybody", [], False),
        (f"last {LAST_N}", last_n, False),
        (f"last {LAST_N}, tiles", last_n, True),
        (f"last {LAST_N}, tiles, idle layers at rest", [*last_n, "--pause-s", "0.5"], True),
        ("everything, not recorded", ["--unrecorded"], False),
        ("all of it, not recorded", [*last_n, "--pause-s", "0.5", "--unrecorded"], True),
    ]
    windows = []
    for name, arguments, tiles in kinds:
        windows.append(await full_room([*path, *arguments], tiles=tiles, length_s=length_s))
        ratio = windows[-1].core_share / windows[0].core_share
        print(
            f"{FULL_ROOM} members, {name}: {windows[-1].read_mbps:.0f} Mbit/s, {ratio:.2f} of the CPU of everything; "
            f"{windows[-1].line()}",
            flush=True,
        )
    return windows


async def run(*, quick: bool, pure: bool) -> dict[str, measure.Figure]:
    """Both parts; the native path beside the pure one where it is not asked for alone."""
    length_s = 3.0 if quick else 10.0
    path = ["--pure"] if pure else ["--native"]
    print(f"rooms of {ROOM_SIZE}, {path[0][2:]} path", flush=True)
    best = carried(await curve(path, quick=quick, length_s=length_s))
    beside = best
    if not pure:
        print(f"rooms of {ROOM_SIZE}, pure path", flush=True)
        beside = carried(await curve(["--pure"], quick=quick, length_s=length_s))
    full = await compare_full_room(path, length_s=length_s)
    unit = "core share, room of twelve"
    return {
        "rooms_per_core": measure.figure(
            best.rooms, f"rooms of {ROOM_SIZE} within {LIMIT_MS:g} ms and a core", "pure path", beside.rooms
        ),
        "forwarded_per_s": measure.figure(
            best.out_per_s, "packets/s within these limits", "pure path", beside.out_per_s
        ),
        "full_room_last_n": measure.figure(
            full[1].core_share, unit, "everything forwarded", full[0].core_share
        ),
        "full_room_watched": measure.figure(
            full[3].core_share, unit, "everything forwarded", full[0].core_share
        ),
        "full_room_packets": measure.figure(
            full[3].out_per_s, "packets/s, room of twelve", "everything forwarded", full[0].out_per_s
        ),
        "full_room_bits": measure.figure(
            full[3].read_mbps, "Mbit/s to viewers, room of twelve", "everything forwarded", full[0].read_mbps
        ),
        "full_room_unrecorded": measure.figure(
            full[5].core_share, unit, "everything forwarded", full[4].core_share
        ),
    }


def main() -> int:
    """Print progress, then the figures as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to four rooms, within a minute and a half")
    parser.add_argument("--pure", action="store_true", help="the Python path alone")
    wanted = parser.parse_args()
    measure.print_result("density", uvloop.run(run(quick=wanted.quick, pure=wanted.pure)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
