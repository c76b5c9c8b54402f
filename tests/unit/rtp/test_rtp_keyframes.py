"""Where a viewer can start, and how often it may be asked for."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.keyframes import (
    H264_IDR,
    H264_NOTHING,
    H264_PARAMETERS,
    KeyframeAllowance,
    KeyframeThrottle,
    h264_start,
)


def stap_a(*units: bytes) -> bytes:
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


SPS, PPS, IDR, SLICE = b"\x67\x42\xe0\x1f", b"\x68\xce", b"\x65\x88", b"\x41\x9a"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (SPS, H264_PARAMETERS),
        (IDR, H264_IDR),
        (SLICE, H264_NOTHING),
        (PPS, H264_NOTHING),
        (stap_a(SPS, PPS), H264_PARAMETERS),
        (stap_a(SPS, PPS, IDR), H264_PARAMETERS),
        (stap_a(b"\x06\x05", IDR), H264_IDR),
        (stap_a(SLICE, SLICE), H264_NOTHING),
        (b"\x7c\x85\x88", H264_IDR),  # FU-A, first fragment of an IDR slice
        (b"\x7c\x05\x88", H264_NOTHING),  # FU-A, a later fragment
        (b"\x7c\x45\x88", H264_NOTHING),  # FU-A, the last one
        (b"\x7c\x81\x88", H264_NOTHING),  # FU-A of an ordinary slice
        (b"\x7c", H264_NOTHING),
        (b"", H264_NOTHING),
        (b"\x78\x00\x09\x67", H264_NOTHING),  # STAP-A whose unit is cut off
        (b"\x78\x00\x00\x67", H264_NOTHING),  # STAP-A with an empty unit
    ],
)
def test_h264_start__payload__is_recognised(payload: bytes, expected: int) -> None:
    assert h264_start(payload) == expected


@given(st.binary(max_size=30))
def test_h264_start__any_bytes__never_raises(payload: bytes) -> None:
    assert h264_start(payload) in (0, 1, 2)
    assert h264_start(b"\x78" + payload) in (0, 1, 2)


def test_throttle__many_viewers_at_once__one_request_per_interval() -> None:
    throttle = KeyframeThrottle(500)
    sent = [now for now in range(1000, 3000, 10) if throttle.want(now)]
    assert sent == [1000, 1340, 1680, 2180, 2680], "twice soon, for it may have been lost; then in its time"
    assert throttle.requests == 5


def test_throttle__key_frames_come__next_request_waits_for_the_interval() -> None:
    throttle, sent = KeyframeThrottle(500), []
    for now in range(1000, 3000, 10):
        if throttle.want(now, 50.0):
            sent.append(now)
            throttle.arrived()
    assert sent == [1000, 1500, 2000, 2500]


def test_throttle__long_way__waits_for_what_may_still_come() -> None:
    throttle = KeyframeThrottle(500)
    assert [now for now in range(0, 1400, 10) if throttle.want(now, 300.0)] == [0, 500, 1000]


def test_throttle__wanted_too_early__comes_due_later_without_being_asked_again() -> None:
    throttle = KeyframeThrottle(500)
    assert throttle.want(0)
    throttle.arrived()
    assert not throttle.is_wanted
    assert not throttle.due(600)
    assert throttle.want(600)
    assert not throttle.want(700)
    assert not throttle.due(900)
    assert throttle.due(940), "what was asked for at 600 was lost"


def test_throttle__key_frame_arrived__nothing_is_due() -> None:
    throttle = KeyframeThrottle(200)
    throttle.want(0)
    throttle.arrived()
    assert not any(throttle.due(now) for now in range(0, 5000, 100))


def test_allowance__asked_without_end__lets_a_burst_through_and_then_one_in_two_seconds() -> None:
    allowance = KeyframeAllowance()
    asked_ms = [1e9 + 10.0 * turn for turn in range(6000)]  # a hundred a second for a minute
    passed_ms = [now_ms for now_ms in asked_ms if allowance.allows(now_ms)]
    assert len(passed_ms) == 8 + 29
    assert passed_ms[7] - asked_ms[0] == 70.0
    assert all(later - earlier >= 1990.0 for earlier, later in pairwise(passed_ms[8:]))


def test_allowance__after_a_calm_while__has_its_burst_again() -> None:
    allowance = KeyframeAllowance()
    assert [allowance.allows(0.0) for _ in range(9)] == [True] * 8 + [False]
    assert [allowance.allows(16_000.0) for _ in range(9)] == [True] * 8 + [False]
