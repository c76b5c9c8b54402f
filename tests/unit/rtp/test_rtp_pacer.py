"""Pictures spread over what a line carries: what waits, what passes, and what the bounds are."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.pacer import DEPTH_MS, LONGEST_MS, MOST_HELD, Pacer

RATE_BPS = 400_000.0
PACKET_BYTES = 1000  # 20 ms


def burst(
    pacer: Pacer[int], count: int, now_ms: float, *, first: int = 0, is_repeat: bool = False
) -> list[int]:
    """What of a burst leaves at once."""
    sent: list[int] = []
    for number in range(first, first + count):
        if pacer.holds(PACKET_BYTES, now_ms):
            sent += pacer.put(number, PACKET_BYTES, now_ms, is_repeat=is_repeat)
        else:
            sent.append(number)
    return sent


def run_out(pacer: Pacer[int]) -> list[tuple[float, int]]:
    """(when, which) until nothing waits."""
    found = []
    while (due_ms := pacer.due_ms) is not None:
        found += [(due_ms, number) for number in pacer.release(due_ms)]
    return found


def test_pacer__key_frame_on_a_thin_line__leaves_packet_by_packet_at_the_rate() -> None:
    pacer: Pacer[int] = Pacer()
    pacer.pace(RATE_BPS)
    assert burst(pacer, 10, 1000.0) == [0]
    left = run_out(pacer)
    assert [number for _, number in left] == list(range(1, 10))
    gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(left)]
    assert all(abs(gap - 20.0) < 0.01 for gap in gaps)
    assert left[0][0] == 1020.0 - DEPTH_MS


def test_pacer__fast_line__whole_picture_leaves_at_once() -> None:
    pacer: Pacer[int] = Pacer()
    pacer.pace(20e6)
    assert burst(pacer, 12, 0.0) == list(range(12))
    assert pacer.due_ms is None


def test_pacer__nothing_known_of_the_line__nothing_waits() -> None:
    pacer: Pacer[int] = Pacer()
    assert burst(pacer, 500, 0.0) == list(range(500))


def test_pacer__repeats__leave_before_what_is_new_and_in_their_order() -> None:
    pacer: Pacer[int] = Pacer()
    pacer.pace(RATE_BPS)
    burst(pacer, 4, 0.0)
    burst(pacer, 2, 1.0, first=100, is_repeat=True)
    assert [number for _, number in run_out(pacer)] == [100, 101, 1, 2, 3]


def test_pacer__more_than_may_wait__oldest_leave_at_once_and_nothing_is_lost() -> None:
    pacer: Pacer[int] = Pacer()
    pacer.pace(RATE_BPS)
    at_once = burst(pacer, 60, 0.0)
    assert at_once == list(range(60 - 20)), "20 packets are 400 ms"
    assert [number for _, number in run_out(pacer)] == list(range(40, 60))


def test_pacer__after_an_overflow__next_packet_waits_no_longer_than_the_bound() -> None:
    pacer: Pacer[int] = Pacer()
    pacer.pace(RATE_BPS)
    burst(pacer, 1000, 0.0)
    assert run_out(pacer)[-1][0] <= 2 * LONGEST_MS


def test_pacer__line_becomes_unknown__what_waits_leaves() -> None:
    pacer: Pacer[int] = Pacer()
    pacer.pace(RATE_BPS)
    burst(pacer, 5, 0.0)
    pacer.pace(0.0)
    assert pacer.release(1.0) == [1, 2, 3, 4]
    assert pacer.due_ms is None


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(20, 1400), st.booleans()), max_size=300),
    st.sampled_from([64e3, 400e3, 5e6]),
)
def test_pacer__any_traffic__everything_leaves_once_in_order_and_within_the_bounds(
    traffic: list[tuple[int, int, bool]], rate_bps: float
) -> None:
    pacer: Pacer[tuple[bool, int, float]] = Pacer()
    pacer.pace(rate_bps)
    now_ms, left = 0.0, []
    for number, (step_ms, size, is_repeat) in enumerate(traffic):
        now_ms += step_ms
        left += [(*each, now_ms) for each in pacer.release(now_ms)]
        item = (is_repeat, number, now_ms)
        if pacer.holds(size, now_ms):
            left += [(*each, now_ms) for each in pacer.put(item, size, now_ms, is_repeat=is_repeat)]
        else:
            left.append((*item, now_ms))
        assert pacer.held <= MOST_HELD
    while (due_ms := pacer.due_ms) is not None:
        now_ms = max(now_ms, due_ms)
        left += [(*each, now_ms) for each in pacer.release(now_ms)]
    for kind in (True, False):
        numbers = [number for is_repeat, number, _, _ in left if is_repeat is kind]
        assert numbers == [number for number, each in enumerate(traffic) if each[2] is kind]
    if not any(is_repeat for _, _, is_repeat in traffic):
        assert all(out_ms - in_ms <= 2 * LONGEST_MS for _, _, in_ms, out_ms in left)
