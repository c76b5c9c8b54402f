"""What gets through bad networks: voices recorded and heard in time, frozen pictures, repairs, estimates.

Run: python -m bench.bad_network [--quick] [--seed N] [--only NAME] [--network TEXT] [--simulated]. A room of three
synthetic phones (`bench.phone`: redundant voice, two picture layers, retransmission, feedback), each behind a line of
its own (`hearing_server.robots.network`), and the recorder's own depacketizer as the room's sink. Each condition is
measured after the phones have joined; its baseline is the perfect line of the same run. The seed decides which packets
are lost: the same seed loses the same ones again. With `--simulated` time is simulated too (`bench.simulated_time`, the
pure path): figures then say nothing about the machine, and do not depend on what else it does.

A frame counts as heard in time when it reaches the viewer within 400 ms beyond the two lines' own delay: what a
browser's playout buffer grows to on such lines. A picture is frozen when the next one that a browser can show
(`bench.decoding`) comes 150 ms late; one that the server left out for want of room, and said so, is behind a plate
(`plate`): neither frozen nor seen. `dark` is how long the way from a camera to a screen let nothing at all
through: no repair brings pictures out of that. A frame counts as recorded when it comes out of the recorder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Final

import uvloop

from bench import measure, simulated_time
from bench.listening import voice_number
from bench.phone import Phone
from hearing_server.robots.network.conditions import Conditions, parse
from hearing_server.robots.network.relay import Direction, Relay
from recorder.codecs.depacketizer import OpusDepacketizer
from signaling.engine import MediaEngine
from signaling.events import PicturesChanged, RoomEvent, SubscriptionOffered
from signaling.grants import JoinGrant, sign_grant
from signaling.settings import MediaSettings
from signaling.sink import TrackInfo

ROOM, KEY = "bench", b"a key of thirty-two bytes, bench"
PHONES: Final = 3
LATE_S: Final = 0.4
SETTLE_S, DRAIN_S = 4.0, 2.5
CONDITIONS: Final = {
    "none": "none",
    "loss_2": "loss=0.02",
    "loss_10_bursts": "loss=0.1,burst=300ms,every=10s",
    "rtt_300": "delay=150ms,jitter=10ms",
    "cap_500k": "rate=500k,buffer=300ms",
    "reorder_5": "reorder=0.05",
}


class Record:
    """The room's sink: every voice frame that comes out of the recorder's depacketizer, once."""

    def __init__(self) -> None:
        self.frames: Counter[tuple[str, int]] = Counter()
        self._voices: dict[str, tuple[str, OpusDepacketizer]] = {}

    def track_started(self, track: TrackInfo, at_ns: int) -> None:
        if track.kind == "audio":
            voice = OpusDepacketizer(red_payload_type=track.red_payload_type)
            self._voices[track.track_id] = (track.identity, voice)

    def packet(self, track_id: str, packet: bytes, at_ns: int) -> None:
        if track_id in self._voices:
            identity, voice = self._voices[track_id]
            for frame in voice.push(packet, at_ns):
                self.frames[identity, voice_number(frame.data)] += 1

    def sender_report(self, track_id: str, ntp: int, rtp_timestamp: int, at_ns: int) -> None:
        """Not counted here."""

    def track_event(self, track_id: str, event: str, at_ns: int) -> None:
        """Not counted here."""

    def track_ended(self, track_id: str, at_ns: int, cause: str) -> None:
        """Not counted here."""


@dataclass(slots=True)
class Heard:
    """Ground truth and what became of it."""

    spoken: dict[tuple[str, int], float] = field(default_factory=dict)  # (speaker, frame) -> when
    heard: dict[tuple[str, str, int], float] = field(
        default_factory=dict
    )  # (listener, speaker, frame) -> when


@dataclass(frozen=True, slots=True)
class Outcome:
    """Shares are 0..1."""

    recorded: float
    in_time: float
    heard: float
    frozen: float
    dark: float
    covered: float
    asked: int
    repeated: int
    limit_kbps: float
    lost: int
    pictures_per_s: float


class Room:
    """An engine in this process, three phones, three lines."""

    def __init__(self, conditions: Conditions, seed: int, *, native: bool = True) -> None:
        self.conditions = conditions
        self._native = native
        self.record = Record()
        self.truth = Heard()
        # The way is as long and as narrow from the start, as a call's is; joining itself loses nothing.
        gentle = Conditions(
            replace(conditions.up, is_media_only=True), replace(conditions.down, is_media_only=True)
        )
        self.lines = [Relay(gentle, seed=seed, name=f"p{number}") for number in range(PHONES)]
        self.phones: list[Phone] = []
        self.engine: MediaEngine
        self._seats: dict[str, Phone] = {}
        self._early: list[SubscriptionOffered] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Everybody sits, sees and hears everybody."""
        settings = MediaSettings(
            host="127.0.0.1", announced_addresses=("127.0.0.1",), grant_keys=(KEY,), native=self._native
        )
        self.engine = await MediaEngine.start(settings, on_event=self._told)
        await self.engine.open_room(ROOM)
        await self.engine.attach_sink(ROOM, self.record)
        for number, line in enumerate(self.lines):
            await line.start(self.engine.udp_port)
            self.phones.append(self._phone(number, line))
        for phone in self.phones:
            seat = (await self.engine.join(_grant(phone.name))).seat
            self._seats[seat] = phone
            for early in [each for each in self._early if each.seat == seat]:
                self._spawn(self._offer(phone, early))
            sdp = await self.engine.publish(
                seat, sdp=phone.offer(), sources={"0": "microphone", "1": "camera"}
            )
            await phone.publish(sdp)
            for period_s, act in (
                (0.02, phone.speak),
                (1 / 30, phone.show),
                (0.02, phone.care),
                (1.0, phone.report),
            ):
                self._spawn(_every(period_s, act))
        async with asyncio.timeout(20):
            while any(len([e for e in p.eyes.values() if e.pictures]) < PHONES - 1 for p in self.phones):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def _phone(self, number: int, line: Relay) -> Phone:
        truth = self.truth

        def spoke(speaker: int, frame: int, at_s: float) -> None:
            truth.spoken[f"p{speaker}", frame] = at_s

        def heard(who: str, frame: int, at_s: float) -> None:
            truth.heard.setdefault((f"p{number}", who, frame), at_s)

        return Phone(number, line.through, spoke=spoke, heard=heard)

    async def measure(self, length_s: float) -> Outcome:
        """Let the conditions reign; count what was spoken in `length_s` of it."""
        conditions = self.conditions
        for line in self.lines:
            line.change(up=conditions.up, down=conditions.down)
        await asyncio.sleep(SETTLE_S)
        began_s = time.monotonic()
        eyes = [eye for phone in self.phones for eye in phone.eyes.values()]
        before = [(eye.shown.until(began_s), eye.pictures) for eye in eyes]
        covered_s = -sum(eye.covered_until(began_s) for eye in eyes)
        lost, asked, repeated = self._counts()
        limits: list[float] = []
        dark = _Darkness(self.lines)
        while (now_s := time.monotonic()) < began_s + length_s:
            limits.append(statistics.fmean(phone.estimate.limit_bps for phone in self.phones) / 1000)
            dark.look()
            await asyncio.sleep(min(0.1, began_s + length_s - now_s))
        ended_s = time.monotonic()
        after = [(eye.shown.until(ended_s), eye.pictures) for eye in eyes]
        frozen_s, pictures = (
            sum(now[of] - was[of] for now, was in zip(after, before, strict=True)) for of in range(2)
        )
        covered_s += sum(eye.covered_until(ended_s) for eye in eyes)
        lost_after, asked_after, repeated_after = self._counts()
        await asyncio.sleep(DRAIN_S)
        spoken = {key: at for key, at in self.truth.spoken.items() if began_s <= at < ended_s}
        patience_s = LATE_S + (conditions.up.delay_ms + conditions.down.delay_ms) / 1000
        waits = [
            self.truth.heard.get((listener.name, *key), float("inf")) - at
            for key, at in spoken.items()
            for listener in self.phones
            if listener.name != key[0]
        ]
        return Outcome(
            recorded=sum(1 for key in spoken if self.record.frames[key]) / len(spoken),
            in_time=sum(1 for wait in waits if wait <= patience_s) / len(waits),
            heard=sum(1 for wait in waits if wait < float("inf")) / len(waits),
            frozen=frozen_s / (len(eyes) * (ended_s - began_s)),
            dark=dark.seconds(conditions) / (PHONES * (ended_s - began_s)),
            covered=covered_s / (len(eyes) * (ended_s - began_s)),
            asked=asked_after - asked,
            repeated=repeated_after - repeated,
            limit_kbps=statistics.fmean(limits),
            lost=lost_after - lost,
            pictures_per_s=pictures / len(eyes) / (ended_s - began_s),
        )

    def _counts(self) -> tuple[int, int, int]:
        streams = [each for phone in self.phones for each in (phone.voice, *phone.layers)]
        return (
            sum(line.lost for line in self.lines),
            sum(phone.asked for phone in self.phones),
            sum(each.repeats for each in streams),
        )

    async def _told(self, event: RoomEvent) -> None:
        if isinstance(event, PicturesChanged) and event.seat in self._seats:
            self._seats[event.seat].shown(frozenset(identity for identity, _ in event.shown))
        if isinstance(event, SubscriptionOffered):
            phone = self._seats.get(event.seat)
            if phone is None:
                self._early.append(event)
            else:
                self._spawn(self._offer(phone, event))

    async def _offer(self, phone: Phone, event: SubscriptionOffered) -> None:
        await self.engine.answer(event.seat, version=event.version, sdp=phone.answer(event.sdp))
        await phone.watch(event.sdp)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for phone in self.phones:
            await phone.close()
        await self.engine.stop()
        for line in self.lines:
            await line.stop()


class _Darkness:
    """Counts bursts on lines, by looking ten times a second whether packets are being lost in one."""

    def __init__(self, lines: list[Relay]) -> None:
        both: tuple[Direction, ...] = ("up", "down")
        self._ways = [(line, direction) for line in lines for direction in both]
        self._before = [line.counts(direction)["burst"] for line, direction in self._ways]
        self._is_dark = [False] * len(self._ways)
        self._bursts: Counter[Direction] = Counter()

    def look(self) -> None:
        """Now and then."""
        for place, (line, direction) in enumerate(self._ways):
            count = line.counts(direction)["burst"]
            is_dark = count > self._before[place]
            self._bursts[direction] += is_dark and not self._is_dark[place]
            self._before[place], self._is_dark[place] = count, is_dark

    def seconds(self, conditions: Conditions) -> float:
        """Of all lines together, both directions: a picture crosses one of each."""
        ways = conditions.up, conditions.down
        bursts = self._bursts["up"], self._bursts["down"]
        return sum(count * way.burst_ms / 1000 for count, way in zip(bursts, ways, strict=True))


def _grant(identity: str) -> str:
    return sign_grant(
        JoinGrant(
            room=ROOM, identity=identity, seat_key=f"key-of-{identity}",
            may_publish=frozenset({"microphone", "camera"}), may_subscribe=True, may_moderate=False,
            expires_at_s=time.time() + 30, jti=secrets.token_hex(8),
        ),
        KEY,
    )  # fmt: skip


async def _every(period_s: float, act: Any) -> None:
    due_s = time.monotonic()
    while True:
        act()
        due_s = max(
            due_s + period_s, time.monotonic() - 0.1
        )  # a machine that stood still does not run after the clock
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))


async def run(
    conditions: dict[str, str], seed: int, length_s: float, *, native: bool = True
) -> dict[str, Outcome]:
    """One room per condition, so that none inherits another's estimate."""
    found: dict[str, Outcome] = {}
    print(
        f"seed {seed}; {PHONES} phones, {length_s:.0f} s each\n"
        f"{'condition':16} {'recorded':>9} {'in time':>8} {'at all':>8} {'frozen':>8} {'dark':>8} "
        f"{'plate':>8} {'pict/s':>7} "
        f"{'lost':>6} {'asked':>6} {'repeated':>8} {'sender limit':>12}",
        flush=True,
    )
    for name, text in conditions.items():
        room = Room(parse(text), seed, native=native)
        try:
            await room.begin()
            found[name] = one = await room.measure(length_s)
        finally:
            await room.end()
        print(
            f"{name:16} {one.recorded:9.2%} {one.in_time:8.2%} {one.heard:8.2%} {one.frozen:8.2%} "
            f"{one.dark:8.2%} {one.covered:8.2%} "
            f"{one.pictures_per_s:7.1f} {one.lost:6d} {one.asked:6d} {one.repeated:8d} {one.limit_kbps:7.0f} kbps",
            flush=True,
        )
    return found


def main() -> int:
    """Print the table, then the figures as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute")
    parser.add_argument("--seed", type=int, default=20_261_122)
    parser.add_argument("--only", choices=sorted(CONDITIONS), help="one condition, and the perfect line")
    parser.add_argument("--network", help="a condition of your own, as for the robots")
    parser.add_argument(
        "--simulated", action="store_true", help="in simulated time, without the native thread"
    )
    options = parser.parse_args()
    chosen = dict(CONDITIONS)
    if options.only:
        chosen = {name: CONDITIONS[name] for name in ("none", options.only)}
    if options.network:
        chosen = {"none": "none", options.network: options.network}
    work = run(chosen, options.seed, 5.0 if options.quick else 60.0, native=not options.simulated)
    found = simulated_time.run(work) if options.simulated else uvloop.run(work)
    perfect = found["none"]
    figures: dict[str, measure.Figure] = {}
    for name, one in found.items():
        for word in ("recorded", "in_time", "frozen", "dark", "covered"):
            value, against = 100 * getattr(one, word), 100 * getattr(perfect, word)
            figures[f"{name}.{word}"] = measure.figure(value, "%", "the perfect line of this run", against)
    print(json.dumps({"seed": options.seed}), flush=True)
    measure.print_result("bad_network", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
