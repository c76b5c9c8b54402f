"""How soon a person is seen and heard again, and sees and hears: scripted breaks in a running, recorded hearing.

Run: python -m bench.reconnect [--quick] [--runs N] [--seed N] [--only KIND]. The demo court runs as a process, a party
as another behind a line of its own (25 ms each way, for media and for all else), judge and clerk sit in this one.
Kinds: `move` the phone goes from Wi-Fi to 4G (new address, TCP connections broken, the page is told); `rebind` the same
for media alone and nobody is told (a router changes its port); `blackout` nothing passes for 15 s; `frozen` the party's
process stands still for 60 s; `restart` the server is killed and started again on the same folder and ports.

Measured from the moment the way works again until the last of four streams (voice and picture, both directions) flows;
0 when no stream had a hole of half a second after that moment. A stream flows when its packets arrive. Baseline of the
same run: `nothing`, the same without
any break. Also: whether the seat and the identity are the same, and the longest silence judge and clerk had from each
other meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from bench import measure
from bench.child import Child
from bench.court import RATE_HZ, Court
from hearing_server.robots.court_client import CourtClient
from hearing_server.robots.network.conditions import Conditions, OneWay
from hearing_server.robots.network.relay import Relay
from hearing_server.robots.network.stream_relay import StreamRelay
from hearing_server.robots.party import senses_of
from hearing_server.robots.seat import Seat
from hearing_server.robots.watching import back_after_s

KINDS: Final = ("nothing", "move", "rebind", "blackout", "frozen", "restart")
ONE_WAY_MS: Final = 25.0
BLACKOUT_S, FROZEN_S = 15.0, 60.0
QUICK_BLACKOUT_S, QUICK_FROZEN_S = 5.0, 9.0  # the server calls a person lost after 8 s
WATCH_S: Final = 5.0  # after the break; what is not back by then is looked at again, up to PATIENCE_S
PATIENCE_S: Final = 30.0
SOURCES: Final = ("microphone", "camera")


@dataclass(slots=True)
class Drill:
    """Everything that happened to the streams in one run."""

    kind: str
    back_s: float
    others_gap_s: float
    same_seat: bool
    ladder: str


@dataclass(slots=True)
class Scene:
    """The court, two who watch, and the patient behind its line."""

    court: Court
    line: Relay
    stream: StreamRelay
    patient: Child
    patient_id: str = ""
    seats: list[Seat] = field(default_factory=list)
    clients: list[CourtClient] = field(default_factory=list)

    @classmethod
    async def begin(cls, folder: str, seed: int) -> Scene:
        court = await Court.start(folder)
        await court.sign_in()
        way = OneWay(delay_ms=ONE_WAY_MS, jitter_ms=5.0)
        line, stream = Relay(Conditions.both(way), seed=seed), StreamRelay(one_way_ms=ONE_WAY_MS)
        await line.start(court.media_port)
        await stream.start(int(court.url.rsplit(":", 1)[1]))
        scene = cls(court, line, stream, await Child.start("bench.patient"))
        await scene._seat_everybody()
        return scene

    async def _seat_everybody(self) -> None:
        court = self.court
        clerk = CourtClient(court.url)
        sign_in = court.sign_in_of("clerk")
        await clerk.sign_in_staff(sign_in["username"], sign_in["password"])
        self.clients = [court.judge, clerk]
        for number, client in enumerate(self.clients):
            seat = Seat(client, court.hearing_id, recovers=True)
            self.seats.append(seat)
            await seat.connect()
            await seat.report("present")
            await seat.take()
            await seat.publish_from(senses_of(number + 2, rate_hz=RATE_HZ))
        url = f"http://127.0.0.1:{self.stream.port}"
        self.patient_id = str(
            (await self.patient.ask("arrive", url=url, media_port=self.line.port))["person"]
        )
        await court.judge.post(f"/hearings/{court.hearing_id}/admissions", {"all": True})
        await self.patient.ask("sit")
        await court.judge.post(f"/hearings/{court.hearing_id}/open")
        await self._all_see_all()

    async def _all_see_all(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while (await self.back_s(time.monotonic() - 1.0)) is None:  # noqa: ASYNC110 - asks another process
                await asyncio.sleep(0.25)

    async def back_s(self, since_s: float) -> float | None:
        """When the last of the four streams was back; None while one is not."""
        until_s, judge = time.monotonic(), self.seats[0]
        told = await self.patient.ask("back", since_s=since_s)
        found: list[float | None] = [
            back_after_s(judge.watched[self.patient_id, source].times_s, since_s, until_s)
            if (self.patient_id, source) in judge.watched
            else None
            for source in SOURCES
        ]
        found += [told["back_s"].get(f"{judge.client.me['id']}/{source}") for source in SOURCES]
        known = [each for each in found if each is not None]
        return max(known) if len(known) == len(found) else None

    async def drill(self, kind: str, lengths_s: tuple[float, float], pause_s: float) -> Drill:
        """One break, from calm to calm."""
        await asyncio.sleep(pause_s)
        watched = [
            seat.watched[other.client.me["id"], "microphone"]
            for seat, other in (self.seats, list(reversed(self.seats)))
        ]
        for each in watched:
            each.forget_gaps()
        since_s = await self._breaks(lengths_s)[kind]()
        await asyncio.sleep(WATCH_S)
        back_s = await self.back_s(since_s)
        while back_s is None and time.monotonic() - since_s < PATIENCE_S:
            await asyncio.sleep(0.5)
            back_s = await self.back_s(since_s)
        others_gap_s = max(each.gap_s for each in watched)
        told = await self.patient.ask("back", since_s=since_s)
        seen = self.seats[0].person(self.patient_id)
        is_same = told["ended"] is None and seen.get("presence") == "present"
        ladder = f"up {'>'.join(told['up'][-4:]) or '-'} down {'>'.join(told['down'][-4:]) or '-'}"
        return Drill(kind, PATIENCE_S if back_s is None else back_s, others_gap_s, is_same, ladder)

    def _breaks(self, lengths_s: tuple[float, float]) -> dict[str, Callable[[], Awaitable[float]]]:
        blackout_s, frozen_s = lengths_s

        async def nothing() -> float:
            return time.monotonic()

        async def move() -> float:
            self.line.move()
            self.stream.cut()
            await self.patient.ask("network_changed")
            return time.monotonic()

        async def rebind() -> float:
            self.line.move()
            return time.monotonic()

        async def blackout() -> float:
            self.line.darken(True)
            self.stream.darken(True)
            await asyncio.sleep(blackout_s)
            self.line.darken(False)
            self.stream.darken(False)
            return time.monotonic()

        async def frozen() -> float:
            os.kill(self.patient.pid, signal.SIGSTOP)
            await asyncio.sleep(frozen_s)
            os.kill(self.patient.pid, signal.SIGCONT)
            return time.monotonic()

        async def restart() -> float:
            await self.court.kill()
            self.stream.cut()
            await self.court.start_again()
            return time.monotonic()

        return dict(zip(KINDS, (nothing, move, rebind, blackout, frozen, restart), strict=True))

    async def end(self) -> None:
        await self.patient.stop()
        for seat in self.seats:
            await seat.close()
        for client in self.clients[1:]:
            await client.http.close()
        await self.court.stop()
        await self.line.stop()
        await self.stream.stop()


async def run(kinds: tuple[str, ...], runs: int, seed: int, *, quick: bool) -> list[Drill]:
    """`runs` breaks, the kinds taking turns, in one hearing."""
    dice = random.Random(seed)
    lengths_s = (QUICK_BLACKOUT_S, QUICK_FROZEN_S) if quick else (BLACKOUT_S, FROZEN_S)
    done: list[Drill] = []
    with tempfile.TemporaryDirectory() as folder:
        scene = await Scene.begin(folder, seed)
        try:
            for number in range(runs):
                kind = kinds[number % len(kinds)]
                one = await scene.drill(kind, lengths_s, dice.uniform(1.0, 2.0))
                done.append(one)
                print(
                    f"{number + 1}/{runs} {kind}: back after {one.back_s:.2f} s, others' longest silence "
                    f"{one.others_gap_s:.2f} s, {'same seat' if one.same_seat else 'SEAT LOST'}; {one.ladder}",
                    flush=True,
                )
        finally:
            await scene.end()
    return done


def _share(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


def main() -> int:
    """Print each run, a table, then the figures as one JSON line. Fails when a seat was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="eight short runs, about two minutes")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20_261_122)
    parser.add_argument("--only", choices=KINDS[1:])
    options = parser.parse_args()
    kinds = KINDS if options.only is None else ("nothing", options.only)
    print(f"seed {options.seed}", flush=True)
    done = asyncio.run(run(kinds, 8 if options.quick else options.runs, options.seed, quick=options.quick))
    quiet = [one.others_gap_s for one in done if one.kind == "nothing"]
    figures: dict[str, measure.Figure] = {}
    print(f"{'kind':10} {'runs':>4} {'p50':>6} {'p95':>6} {'p99':>6} {'others p95':>10} {'seats':>6}")
    for kind in kinds:
        found = [one for one in done if one.kind == kind]
        if not found:
            continue
        backs, gaps = [one.back_s for one in found], [one.others_gap_s for one in found]
        kept = sum(one.same_seat for one in found)
        print(
            f"{kind:10} {len(found):4d} {statistics.median(backs):6.2f} {_share(backs, 0.95):6.2f} "
            f"{_share(backs, 0.99):6.2f} {_share(gaps, 0.95):10.2f} {kept:3d}/{len(found)}"
        )
        calm = statistics.median([one.back_s for one in done if one.kind == "nothing"])
        figures[f"{kind}.back_p95"] = measure.figure(_share(backs, 0.95), "s", "no break at all", calm)
        if kind != "restart":
            figures[f"{kind}.others_gap_p95"] = measure.figure(
                _share(gaps, 0.95), "s", "no break at all", _share(quiet, 0.95)
            )
    measure.print_result("reconnect", figures)
    return 0 if all(one.same_seat for one in done) else 1


if __name__ == "__main__":
    sys.exit(main())
