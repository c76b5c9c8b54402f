"""Two clocks per sender, and what they tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.clock import (
    DriftMeter,
    JitterMeter,
    ReceptionMeter,
    RoundTrip,
    SenderClock,
    timestamp_shift,
)

SECOND = 1 << 32
NTP = 3_900_000_000 * SECOND


def clock(ntp: int = NTP, rtp: int = 1000, *, rate: int = 90_000, at_ms: float = 0.0) -> SenderClock:
    made = SenderClock(rate)
    made.report(ntp, rtp, at_ms)
    return made


@given(st.integers(0, 0xFFFFFFFF), st.integers(-1_000_000, 1_000_000), st.sampled_from([8000, 48000, 90000]))
def test_sender_clock__any_timestamp_nearby__maps_there_and_back(rtp: int, ticks: int, rate: int) -> None:
    known = clock(rtp=rtp, rate=rate)
    timestamp = (rtp + ticks) & 0xFFFFFFFF
    ntp = known.ntp_at(timestamp)
    assert ntp is not None
    assert known.rtp_at(ntp) == timestamp
    assert abs((ntp - NTP) / SECOND - ticks / rate) < 1e-6


def test_sender_clock__no_report_yet__knows_nothing() -> None:
    empty = SenderClock(90_000)
    assert not empty.is_known
    assert empty.rtp_at(NTP) is None
    assert empty.ntp_at(5) is None
    assert empty.now(5.0) is None
    assert timestamp_shift(empty, clock()) is None
    assert timestamp_shift(clock(), empty) is None


def test_sender_clock__carried_on__both_clocks_advance_alike() -> None:
    assert clock(at_ms=100.0).now(1100.0) == (NTP + SECOND, 1000 + 90_000)


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF), st.integers(-5 * 90, 5 * 90))
def test_timestamp_shift__two_layers__same_instant_falls_on_the_same_number(
    low: int, high: int, apart: int
) -> None:
    first = clock(rtp=low)
    second = clock(ntp=NTP + apart * SECOND // 90, rtp=high)  # `apart` in ms * 90 ticks
    shift = timestamp_shift(first, second)
    assert shift is not None
    later = NTP + 7 * SECOND
    on_first, on_second = first.rtp_at(later), second.rtp_at(later)
    assert on_first is not None
    assert on_second is not None
    assert min((on_second + shift - on_first) % 2**32, (on_first - on_second - shift) % 2**32) <= 1


def test_timestamp_shift__different_clock_rates__is_refused() -> None:
    assert timestamp_shift(clock(rate=48_000), clock(rate=90_000)) is None


def test_jitter__steady_arrivals__is_zero_and_uneven_ones_are_measured() -> None:
    steady, uneven = JitterMeter(90_000), JitterMeter(90_000)
    for i in range(500):
        steady.packet(i * 1800, i * 20.0)
        uneven.packet(i * 1800, i * 20.0 + (10.0 if i % 2 else 0.0))
    assert steady.ticks == 0
    assert uneven.milliseconds == pytest.approx(10.0, rel=0.05)
    assert uneven.ticks == pytest.approx(900, rel=0.05)


def test_jitter__timestamp_wraps__leaves_no_trace() -> None:
    meter = JitterMeter(90_000)
    for i in range(200):
        meter.packet((0xFFFFFFFF - 90_000 + i * 1800) & 0xFFFFFFFF, i * 20.0)
    assert meter.milliseconds < 1


@pytest.mark.parametrize(("pace", "lies"), [(1.0, False), (1.0001, False), (1.2, True), (0.5, True)])
def test_drift__media_time_against_arrival__only_a_lying_sender_is_seen(pace: float, lies: bool) -> None:
    meter = DriftMeter(90_000)
    for i in range(0, 20_000):
        meter.packet(int(0xFFFF0000 + i * 1800 * pace) & 0xFFFFFFFF, i * 20.0 + (i * 7 % 13))
    assert meter.is_lying is lies
    assert (meter.drift_ms > 0) is (pace > 1) or not lies


def test_drift__sudden_jump_of_ten_seconds__is_seen_at_once() -> None:
    meter = DriftMeter(48_000)
    meter.packet(0, 0.0)
    meter.packet(960, 20.0)
    assert not meter.is_lying
    meter.packet(960 + 480_000, 40.0)
    assert meter.drift_ms == pytest.approx(9980, abs=10)
    assert meter.is_lying


def test_reception__losses__are_counted_per_interval_and_in_all() -> None:
    meter = ReceptionMeter()
    for sequence in range(100, 200):
        if sequence % 10:
            meter.packet(sequence, 1000)
    ratio, lost = meter.interval(199)
    assert ratio == pytest.approx(9 / 99)  # nobody knows of a loss before the first packet
    assert lost == 9
    for sequence in range(200, 300):
        meter.packet(sequence, 1000)
    assert meter.interval(299) == (0.0, 9)
    assert meter.interval(299) == (0.0, 9)
    assert meter.bytes == 190_000


def test_reception__late_repairs__never_make_the_loss_negative() -> None:
    meter = ReceptionMeter()
    meter.packet(10, 1)
    meter.packet(12, 1)
    meter.interval(12)
    meter.packet(11, 1)
    assert meter.interval(12) == (0.0, 0)


def test_reception__sender_restarts_its_numbers__totals_go_on_and_nothing_is_lost() -> None:
    meter = ReceptionMeter()
    for sequence in (*range(10), 50_000):
        if sequence == 50_000:
            meter.restart()
        meter.packet(sequence, 100)
    assert meter.interval(50_000) == (0.0, 0)
    assert (meter.received, meter.bytes) == (11, 1100)


def test_round_trip__report_comes_back__delay_of_the_peer_is_taken_off() -> None:
    trip = RoundTrip()
    trip.sent(NTP + 5, 1000.0)
    last_report = (NTP + 5) >> 16 & 0xFFFFFFFF
    assert trip.returned(last_report, 65536 // 2, 1000.0 + 500 + 80) == pytest.approx(80)
    assert trip.rtt_ms == pytest.approx(80)


def test_round_trip__foreign_zero_or_impossible_echo__is_ignored() -> None:
    trip = RoundTrip()
    trip.sent(NTP, 1000.0)
    echoed = NTP >> 16 & 0xFFFFFFFF
    assert trip.returned(0, 0, 1100.0) is None
    assert trip.returned(12345, 0, 1100.0) is None
    assert trip.returned(echoed, 10 * 65536, 1100.0) is None
    assert trip.rtt_ms is None
    for i in range(1, 100):
        trip.sent(NTP + i * SECOND, 1000.0)
    assert trip.returned(echoed, 0, 1100.0) is None  # forgotten: the memory is bounded
