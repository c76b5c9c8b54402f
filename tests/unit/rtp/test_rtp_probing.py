"""When a probe is sent, what proves it, and how long a failed one is remembered."""

from __future__ import annotations

import pytest

from signaling.rtp.probing import (
    AGAIN_MS,
    CALM_MS,
    FIRST_HOLD_MS,
    HOLD_GROWTH,
    LEAST_BPS,
    LONGEST_HOLD_MS,
    TIMEOUT_MS,
    ProbeSchedule,
)


def probed(
    schedule: ProbeSchedule, now_ms: float, *, slower: float = 1.0, lost: int = 0, queue_ms: float = 0.0
) -> float | None:
    """Run one probe of 30 packets of 1000 bytes, 5 ms apart (1.6 Mbit/s), and judge it."""
    schedule.begin(2e6, 100)
    assert schedule.probe is not None
    for number in range(100, 130):
        if number >= 100 + lost:
            left_ms = (number - 100) * 5.0
            schedule.probe.packet(number, left_ms, 500 + left_ms * slower, 1000)
    schedule.end(129, now_ms)
    assert schedule.judge(128, 0.0, queue_ms, now_ms) is None, (
        "feedback about the last packet is not here yet"
    )
    return schedule.judge(129, 0.0, queue_ms, now_ms)


def test_judge__everything_came_as_fast_as_it_was_sent__the_rate_is_proved() -> None:
    schedule = ProbeSchedule()
    assert probed(schedule, 0.0) == pytest.approx(1.6e6, rel=0.1)
    assert schedule.target_bps(5e6, 1e6, AGAIN_MS - 1) is None
    assert schedule.target_bps(5e6, 1.5e6, AGAIN_MS) == 3e6, "twice what is known, however much is wished for"
    assert schedule.target_bps(2e6, 1.5e6, AGAIN_MS) == pytest.approx(2.1e6)
    assert schedule.target_bps(5e6, 50e3, AGAIN_MS) == LEAST_BPS


@pytest.mark.parametrize(
    ("slower", "lost", "queue_ms", "shown_bps"),
    [(1.6, 0, 0.0, 0.85e6), (1.0, 5, 0.0, None), (1.0, 0, 80.0, 1.36e6)],
)
def test_judge__slower_lossy_or_queueing__failed_and_the_pauses_grow(
    slower: float, lost: int, queue_ms: float, shown_bps: float | None
) -> None:
    schedule, now_ms, hold_ms = ProbeSchedule(), 0.0, FIRST_HOLD_MS
    for _ in range(12):
        shown = probed(schedule, now_ms, slower=slower, lost=lost, queue_ms=queue_ms)
        assert shown == (None if shown_bps is None else pytest.approx(shown_bps, rel=0.1))
        assert schedule.target_bps(5e6, 1e6, now_ms + hold_ms - 1) is None
        assert schedule.target_bps(5e6, 1e6, now_ms + hold_ms) is not None
        now_ms += hold_ms
        hold_ms = min(HOLD_GROWTH * hold_ms, LONGEST_HOLD_MS)
    assert schedule.failed == 12


def test_judge__losses_are_the_lines_own__do_not_count() -> None:
    schedule = ProbeSchedule()
    schedule.begin(2e6, 0)
    assert schedule.probe is not None
    for number in range(0, 40):
        if number % 5:
            schedule.probe.packet(number, number * 5.0, number * 5.0, 1000)
    schedule.end(39, 0.0)
    assert schedule.judge(39, 0.2, 0.0, 0.0) is not None


def test_judge__feedback_never_comes__fails_in_the_end() -> None:
    schedule = ProbeSchedule()
    schedule.begin(2e6, 100)
    schedule.end(129, 0.0)
    assert schedule.judge(99, 0.0, 0.0, TIMEOUT_MS - 1) is None
    assert schedule.failed == 0
    assert schedule.judge(99, 0.0, 0.0, TIMEOUT_MS) is None
    assert schedule.failed == 1
    assert schedule.probe is None


def test_end__nothing_could_be_sent__is_no_failure() -> None:
    schedule = ProbeSchedule()
    schedule.begin(2e6, 100)
    schedule.end(99, 0.0)
    assert schedule.probe is None
    assert schedule.failed == 0


def test_troubled__soon_after_a_raise__takes_the_proof_back_once() -> None:
    schedule = ProbeSchedule()
    assert probed(schedule, 0.0) is not None
    schedule.troubled(2000.0)
    schedule.troubled(2100.0)
    assert schedule.failed == 1
    assert schedule.target_bps(5e6, 1e6, 2000.0 + FIRST_HOLD_MS - 1) is None
    assert not schedule.may_climb(2000.0 + FIRST_HOLD_MS - 1)
    assert schedule.may_climb(2100.0 + max(FIRST_HOLD_MS, CALM_MS))


def test_climbed__trouble_follows__the_next_climb_waits_longer_each_time() -> None:
    schedule, now_ms, waits = ProbeSchedule(), 0.0, []
    for _ in range(4):
        schedule.climbed(now_ms)
        schedule.troubled(now_ms + 1000)
        began_ms = now_ms = now_ms + 1000
        while not schedule.may_climb(now_ms):
            now_ms += 100
        waits.append(now_ms - began_ms)
    assert waits[0] == pytest.approx(FIRST_HOLD_MS, abs=100)
    assert waits == sorted(waits)
    assert waits[3] > 3 * waits[0]


def test_judge__passed__pictures_may_climb_at_once() -> None:
    schedule = ProbeSchedule()
    assert probed(schedule, 0.0) is not None
    assert schedule.may_climb(0.0)


def test_troubled__long_after__only_waits_for_calm() -> None:
    schedule = ProbeSchedule()
    schedule.troubled(60_000.0)
    assert schedule.failed == 0
    assert schedule.target_bps(5e6, 1e6, 60_000.0 + CALM_MS - 1) is None
    assert schedule.target_bps(5e6, 1e6, 60_000.0 + CALM_MS) is not None
