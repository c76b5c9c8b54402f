"""A key frame is asked for at the answer when the cached one will be too old as soon as the keys stand."""

import pytest

from signaling.rtp.cache import REPLAY_PACKETS
from signaling.watching.picture_start import CONNECT_MS, due_before_start
from tests.unit.signaling.test_viewer import scene

NOW_MS = 50_000.0


@pytest.mark.parametrize(
    ("packets_per_second", "age_ms", "is_asked"),
    [
        (
            REPLAY_PACKETS * 1000 / CONNECT_MS + 1,
            0.0,
            True,
        ),  # so many packets that even a fresh one is soon gone
        (100.0, 100.0, False),
        (100.0, 300.0, True),
        (15.0, 2000.0, False),  # a small picture: two seconds are few packets
        (15.0, float("inf"), True),  # none came yet
    ],
)
async def test_answer__age_and_rate_of_the_cached_key_frame__say_whether_one_is_asked_for(
    packets_per_second: float, age_ms: float, is_asked: bool
) -> None:
    async with scene() as made:
        for layer in (made.low, made.high):
            layer.stream.rate.packets_per_second = packets_per_second
            layer.keyframe_ms = NOW_MS - age_ms
        viewer = made.viewer
        found = list(due_before_start(viewer.slots, viewer.showing, 10e6, NOW_MS))
        assert [slot for slot, _ in found] == ([made.slot(made.camera)] if is_asked else [])
