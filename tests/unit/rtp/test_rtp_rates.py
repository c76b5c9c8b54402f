"""Rates, the loss-based estimate and the choice of a layer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.rates import (
    CEILING_BPS,
    FLOOR_BPS,
    START_BPS,
    LayerOffer,
    LossEstimate,
    RateMeter,
    choose_layer,
)

QUARTER, HALF, FULL = LayerOffer(1, 150_000, 180), LayerOffer(2, 500_000, 360), LayerOffer(3, 1_700_000, 720)
LAYERS = (FULL, QUARTER, HALF)


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


@pytest.mark.parametrize(
    ("budget", "height", "current", "expected"),
    [
        (5e6, 720, None, FULL),
        (5e6, 600, None, FULL),  # 720 is a little taller than wanted: better than 360
        (5e6, 500, None, HALF),
        (5e6, 360, None, HALF),
        (5e6, 200, None, QUARTER),
        (5e6, 90, None, QUARTER),  # wanted smaller than anything there is
        (1e6, 720, None, HALF),
        (1e5, 720, None, QUARTER),  # never nothing
        (1.8e6, 720, 3, FULL),  # being sent and fits: stays
        (1.8e6, 720, 2, HALF),  # fits, but not with air: no climbing yet
        (2.1e6, 720, 2, FULL),
        (5e6, 0, 3, None),
    ],
)
def test_choose_layer__wish_and_budget__decide(
    budget: float, height: int, current: int | None, expected: LayerOffer | None
) -> None:
    assert choose_layer(LAYERS, budget_bps=budget, max_height_px=height, current=current) == expected


def test_choose_layer__layer_that_stopped__is_the_last_choice() -> None:
    silent = LayerOffer(3, 0.0, 720)
    assert choose_layer((QUARTER, silent), budget_bps=5e6, max_height_px=720) == QUARTER
    assert choose_layer((silent,), budget_bps=5e6, max_height_px=720) == silent
    assert choose_layer((), budget_bps=5e6, max_height_px=720) is None


@given(
    st.lists(
        st.builds(LayerOffer, st.integers(1, 9), st.floats(0, 5e6), st.integers(0, 1080)),
        min_size=1,
        max_size=4,
    ),
    st.floats(0, 1e7),
    st.integers(1, 1080),
)
def test_choose_layer__any_offer__is_affordable_or_the_smallest_alive(
    layers: list[LayerOffer], budget: float, height: int
) -> None:
    chosen = choose_layer(layers, budget_bps=budget, max_height_px=height)
    assert chosen is not None
    alive = [layer for layer in layers if layer.bitrate_bps > 0] or layers
    smallest = min(alive, key=lambda layer: (layer.height_px, layer.bitrate_bps))
    assert chosen == smallest or (chosen.bitrate_bps <= budget and chosen.height_px <= height * 1.25)
