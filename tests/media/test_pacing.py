"""A key frame on a thin line: the voices beside it come as before. The real room and lines, in simulated time."""

import asyncio
import time

import pytest

from bench import simulated_time
from bench.bad_network import Room
from hearing_server.robots.network.conditions import Conditions, OneWay
from signaling.watching.pacing import Pace

THIN = OneWay(rate_bps=500_000.0, buffer_ms=400.0, delay_ms=30.0)
KEY_FRAMES = 2
AROUND_S = 0.5


async def voices_ms() -> tuple[float, float]:
    """The latest voice before and during key frames of both others, at a viewer behind a thin line."""
    room = Room(Conditions(), seed=7, native=False)
    try:
        await room.begin()
        room.lines[0].change(down=THIN)
        await asyncio.sleep(7.0)
        marks = []
        for _ in range(KEY_FRAMES):
            marks.append(time.monotonic())
            for phone in room.phones[1:]:
                for layer in phone.layers:
                    layer.wants_key = True
            await asyncio.sleep(1.5)
        spoken = room.truth.spoken
        heard = [
            (spoken[who, frame], at_s - spoken[who, frame])
            for (listener, who, frame), at_s in room.truth.heard.items()
            if listener == "p0"
        ]
    finally:
        await room.end()
    calm = [wait for at_s, wait in heard if any(mark - AROUND_S <= at_s < mark for mark in marks)]
    full = [wait for at_s, wait in heard if any(mark <= at_s < mark + AROUND_S for mark in marks)]
    return 1000 * max(calm), 1000 * max(full)


def test_voices__key_frames_on_a_line_of_500_kbit_s__are_delayed_by_a_packet_or_two_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calm_ms, paced_ms = simulated_time.run(voices_ms())
    monkeypatch.setattr(Pace, "update", lambda self, sent_bps: None)
    _, unpaced_ms = simulated_time.run(voices_ms())
    assert paced_ms < calm_ms + 40.0, f"{paced_ms:.0f} ms after at most {calm_ms:.0f} ms"
    assert unpaced_ms > calm_ms + 60.0, "without a pacer the key frames stand in the way"
