"""Rates and the loss-based estimate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.rates import (
    CEILING_BPS,
    FLOOR_BPS,
    START_BPS,
    LossEstimate,
    RateMeter,
)


def test_rate_meter__steady_flow__is_measured_over_the_window_and_falls_when_it_stops() -> None:
    meter = RateMeter(1000)
    assert meter.sample(0, 0, 0.0) == 0.0
    for step in range(1, 41):
        meter.sample(step * 12_500, step * 25, step * 100.0)
    assert meter.bits_per_second == pytest.approx(1_000_000)
    assert meter.packets_per_second == pytest.approx(250)
    for step in range(41, 60):
        meter.sample(40 * 12_500, 40 * 25, step * 100.0)
    assert meter.bits_per_second == 0.0


def test_estimate__clean_path_in_use__grows_by_a_twentieth() -> None:
    estimate = LossEstimate()
    assert estimate.report(0.0, START_BPS) == pytest.approx(START_BPS * 1.05)


def test_estimate__clean_path_hardly_used__does_not_grow_on_hearsay() -> None:
    estimate = LossEstimate()
    assert estimate.report(0.0, START_BPS * 0.5) == START_BPS


def test_estimate__loss_between_the_marks__holds() -> None:
    estimate = LossEstimate()
    assert estimate.report(0.05, START_BPS) == START_BPS


def test_estimate__heavy_loss__falls_by_half_the_loss_down_to_the_floor() -> None:
    estimate = LossEstimate()
    assert estimate.report(0.2, START_BPS) == pytest.approx(START_BPS * 0.9)
    for _ in range(200):
        estimate.report(0.5, 0)
    assert estimate.limit_bps == FLOOR_BPS


def test_estimate__remb__caps_but_never_below_the_floor() -> None:
    estimate = LossEstimate()
    estimate.remb(300_000)
    assert estimate.limit_bps == 300_000
    estimate.remb(1)
    assert estimate.limit_bps == FLOOR_BPS
    estimate.remb(50_000_000)
    assert estimate.limit_bps == START_BPS


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1e8))))
def test_estimate__any_reports__stay_between_floor_and_ceiling(reports: list[tuple[float, float]]) -> None:
    estimate = LossEstimate()
    for loss, sent in reports:
        assert FLOOR_BPS <= estimate.report(loss, sent) <= CEILING_BPS
