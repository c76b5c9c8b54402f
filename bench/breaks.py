"""A running, recorded hearing in which parties' lines break: judge and clerk sit here, each party in a process.

Each party is behind a line of its own (25 ms each way, for media and for all else), so several can be broken at once
and none of them hears of the other's trouble.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from bench.child import Child
from bench.court import RATE_HZ, Court
from hearing_server.robots.court_client import CourtClient
from hearing_server.robots.network.conditions import Conditions, OneWay
from hearing_server.robots.network.relay import Relay
from hearing_server.robots.network.stream_relay import StreamRelay
from hearing_server.robots.party import senses_of
from hearing_server.robots.seat import Seat
from hearing_server.robots.watching import back_after_s, longest_gap_s

ONE_WAY_MS: Final = 25.0
WATCH_S: Final = 5.0  # after the break; what is not back by then is looked at again, up to PATIENCE_S
PATIENCE_S: Final = 30.0
SOURCES: Final = ("microphone", "camera")
SIZE: Final = (160, 120)  # streams are broken here, not pictures: five robots share a machine


class Kind(StrEnum):
    """What happens to a person."""

    NOTHING = "nothing"
    MOVE = "move"  # from Wi-Fi to 4G: a new address, TCP connections broken, the page is told
    REBIND = "rebind"  # a router gives media another port, and nobody is told
    BLACKOUT = "blackout"  # nothing passes
    FROZEN = "frozen"  # the process stands still
    RESTART = "restart"  # the server is killed and started again on the same folder and ports
    TCP = "tcp"  # an entrance where UDP is swallowed (bench.tcp_entrance)


@dataclass(frozen=True, slots=True)
class Lengths:
    """Seconds of darkness and of standing still."""

    blackout_s: float
    frozen_s: float


@dataclass(frozen=True, slots=True)
class Drill:
    """Everything that happened to the streams in one run. `same_seat` of `tcp`: UDP was tried, in vain."""

    kind: Kind
    back_s: float
    others_gap_s: float
    same_seat: bool
    ladder: str = ""


@dataclass(slots=True)
class Patient:
    """A party, its line, and the process it lives in."""

    line: Relay
    stream: StreamRelay
    child: Child
    person_id: str

    @classmethod
    async def arrive(cls, court: Court, number: int, seed: int) -> Self:
        """Sign in and wait in the lobby. `number`: which of the hearing's parties."""
        way = OneWay(delay_ms=ONE_WAY_MS, jitter_ms=5.0)
        line, stream = Relay(Conditions.both(way), seed=seed + number), StreamRelay(one_way_ms=ONE_WAY_MS)
        await line.start(court.media_port)
        await stream.start(int(court.url.rsplit(":", 1)[1]))
        child = await Child.start("bench.patient")
        url = f"http://127.0.0.1:{stream.port}"
        told = await child.ask("arrive", url=url, media_port=line.port, number=number, size=SIZE)
        return cls(line, stream, child, str(told["person"]))

    async def nothing(self, lengths: Lengths) -> None:
        """Anything that is seen then is the machine's."""

    async def move(self, lengths: Lengths) -> None:
        self.line.move()
        self.stream.cut()
        await self.child.ask("network_changed")

    async def rebind(self, lengths: Lengths) -> None:
        self.line.move()

    async def blackout(self, lengths: Lengths) -> None:
        for each in (self.line, self.stream):
            each.darken(True)
        await asyncio.sleep(lengths.blackout_s)
        for each in (self.line, self.stream):
            each.darken(False)

    async def frozen(self, lengths: Lengths) -> None:
        os.kill(self.child.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(lengths.frozen_s)
        finally:
            os.kill(self.child.pid, signal.SIGCONT)

    def breaks(self) -> dict[Kind, Callable[[Lengths], Awaitable[None]]]:
        return {
            Kind.NOTHING: self.nothing,
            Kind.MOVE: self.move,
            Kind.REBIND: self.rebind,
            Kind.BLACKOUT: self.blackout,
            Kind.FROZEN: self.frozen,
        }

    async def end(self) -> None:
        await self.child.stop()
        await self.line.stop()
        await self.stream.stop()


@dataclass(slots=True)
class Scene:
    """The court, judge and clerk, and the parties."""

    court: Court
    patients: list[Patient] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)
    clients: list[CourtClient] = field(default_factory=list)

    @classmethod
    async def begin(cls, folder: str, seed: int, *, patients: int = 1) -> Self:
        """Returns when everybody sees and hears everybody."""
        scene = cls(await Court.start(folder))
        court = scene.court
        await court.sign_in()
        await scene._seat_the_bench()
        scene.patients = [await Patient.arrive(court, number, seed) for number in range(patients)]
        await court.judge.post(f"/hearings/{court.hearing_id}/admissions", {"all": True})
        for patient in scene.patients:
            await patient.child.ask("sit")
        await court.judge.post(f"/hearings/{court.hearing_id}/open")
        await scene.all_see_all()
        return scene

    async def _seat_the_bench(self) -> None:
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
            await seat.publish_from(senses_of(number + 4, rate_hz=RATE_HZ, size=SIZE))

    async def all_see_all(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            for patient in self.patients:
                while (await self.back_s(patient, time.monotonic() - 1.0)) is None:  # noqa: ASYNC110 - asks a process
                    await asyncio.sleep(0.25)

    async def back_s(self, patient: Patient, since_s: float) -> float | None:
        """When the last of the four streams between it and the judge was back; None while one is not."""
        known = (await self.streams(patient, since_s)).values()
        return None if None in known else max(each for each in known if each is not None)

    async def streams(self, patient: Patient, since_s: float) -> dict[str, float | None]:
        """The same for each of them."""
        until_s, judge = time.monotonic(), self.seats[0]
        told = await patient.child.ask("back", since_s=since_s)
        ups = {
            f"up {source}": back_after_s(judge.watched[patient.person_id, source].times_s, since_s, until_s)
            if (patient.person_id, source) in judge.watched
            else None
            for source in SOURCES
        }
        me = judge.client.me["id"]
        return ups | {f"down {source}": told["back_s"].get(f"{me}/{source}") for source in SOURCES}

    async def drill(self, kind: Kind, lengths: Lengths, pause_s: float, patient: Patient) -> Drill:
        """One break of one person's line, from calm to calm."""
        await asyncio.sleep(pause_s)
        began_s = time.monotonic()
        await patient.breaks()[kind](lengths)
        return await self._watched(kind, patient, began_s, time.monotonic())

    async def restart(self, pause_s: float) -> list[Drill]:
        """The server dies and comes back: a run for each of the parties, from the moment it serves again."""
        await asyncio.sleep(pause_s)
        began_s = time.monotonic()
        await self.court.kill()
        for patient in self.patients:
            patient.stream.cut()
        await self.court.start_again()
        since_s = time.monotonic()
        runs = (self._watched(Kind.RESTART, patient, began_s, since_s) for patient in self.patients)
        return await asyncio.gather(*runs)

    async def _watched(self, kind: Kind, patient: Patient, began_s: float, since_s: float) -> Drill:
        await asyncio.sleep(WATCH_S)
        back_s = await self.back_s(patient, since_s)
        while back_s is None and time.monotonic() - since_s < PATIENCE_S:
            await asyncio.sleep(0.5)
            back_s = await self.back_s(patient, since_s)
        others_gap_s = self.others_gap_s(began_s)
        told = await patient.child.ask("back", since_s=since_s)
        seen = self.seats[0].person(patient.person_id)
        is_same = told["ended"] is None and seen.get("presence") == "present"
        ladder = f"up {_rungs(told['up'])} down {_rungs(told['down'])}"
        if not is_same:
            ladder += f"; ended {told['ended']}, the judge sees {seen.get('presence')}"
        if back_s is None:
            streams = await self.streams(patient, since_s)
            ladder += f"; silent: {', '.join(name for name, at_s in streams.items() if at_s is None)}"
        return Drill(kind, PATIENCE_S if back_s is None else back_s, others_gap_s, is_same, ladder)

    def others_gap_s(self, since_s: float) -> float:
        """The longest silence judge and clerk had from each other since then."""
        pairs = (self.seats, list(reversed(self.seats)))
        voices = [seat.watched[other.client.me["id"], "microphone"] for seat, other in pairs]
        return max(longest_gap_s(voice.times_s, since_s, time.monotonic()) for voice in voices)

    async def end(self) -> None:
        for patient in self.patients:
            await patient.end()
        for seat in self.seats:
            await seat.close()
        for client in self.clients[1:]:
            await client.http.close()
        await self.court.stop()


def _rungs(history: Sequence[str]) -> str:
    return ">".join(history[-4:]) or "-"
