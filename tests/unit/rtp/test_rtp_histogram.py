"""Durations in logarithmic buckets: where they fall, and what the quantiles say about them."""

import random

import pytest

from signaling.rtp.histogram import BUCKETS, Histogram, RecentSpread, Spread, bucket_of, upper_ns


def test_bucket__when_durations_grow__then_every_one_lies_between_its_buckets_ends() -> None:
    dice = random.Random(7)
    for _ in range(20_000):
        ns = int(2 ** dice.uniform(10, 30))
        bucket = bucket_of(ns)
        lower = upper_ns(bucket - 1) if bucket else 1 << 10
        assert lower <= ns < upper_ns(bucket)
        assert upper_ns(bucket) <= lower * 1.125


@pytest.mark.parametrize(
    ("ns", "bucket"),
    [(-5, 0), (0, 0), (1023, 0), (1024, 0), (1152, 1), (2048, 8), ((1 << 30) - 1, BUCKETS - 1), (1 << 30, BUCKETS - 1),
     (1 << 60, BUCKETS - 1)],
)  # fmt: skip
def test_bucket__when_at_the_edges__then_clamped_into_the_first_and_last(ns: int, bucket: int) -> None:
    assert bucket_of(ns) == bucket


def test_bounds__when_walked__then_they_rise_from_a_microsecond_to_a_second() -> None:
    bounds = [upper_ns(bucket) for bucket in range(BUCKETS)]
    assert bounds == sorted(set(bounds))
    assert bounds[0] == 1152
    assert bounds[-1] == 1 << 30


def test_quantile__when_compared_with_the_exact_one__then_never_below_and_at_most_an_eighth_above() -> None:
    dice = random.Random(11)
    durations = [int(dice.lognormvariate(12.5, 1.2)) for _ in range(5000)]
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    durations.sort()
    spread = histogram.spread()
    for share in (0.0, 0.5, 0.9, 0.99, 0.999, 1.0):
        exact_ms = durations[max(0, -(-int(share * 5000 * 1000) // 1000) - 1)] / 1e6
        found_ms = spread.quantile_ms(share)
        assert found_ms is not None
        assert exact_ms <= found_ms <= exact_ms * 1.126
    assert spread.sum_ns == sum(durations)


def test_quantile__when_nothing_was_counted__then_none() -> None:
    assert Spread().quantile_ms(0.5) is None
    assert Histogram().spread().quantile_ms(0.5) is None


def test_since__when_a_window_is_wanted__then_only_what_came_in_it() -> None:
    histogram = Histogram()
    histogram.add(900_000_000)
    before = histogram.spread()
    histogram.add(2_000_000)
    window = histogram.spread().since(before)
    assert window.total == 1
    assert window.sum_ns == 2_000_000
    assert window.quantile_ms(0.5) == pytest.approx(2.0, rel=0.13)
    assert before.since(Spread()) == before


def test_together__when_rooms_are_added_up__then_counts_and_sums_add() -> None:
    one, two = Histogram(), Histogram()
    one.add(5_000)
    two.add(5_000)
    two.add(70_000)
    all_of_them = one.spread().with_others([two.spread(), Spread()])
    assert all_of_them.total == 3
    assert all_of_them.sum_ns == 80_000
    assert Spread().with_others([]) == Spread()


def test_include__when_the_native_counters_come__then_they_count_like_our_own() -> None:
    ours, theirs = Histogram(), Histogram()
    for ns in (1500, 1500, 300_000):
        theirs.add(ns)
    foreign = theirs.spread()
    ours.include(foreign.counts, foreign.sum_ns)
    assert ours.spread() == foreign
    with pytest.raises(ValueError, match="other buckets"):
        ours.include((1, 2), 3)


def test_cumulative__when_given_to_prometheus__then_rising_octaves_and_the_last_bucket_left_to_infinity() -> (
    None
):
    histogram = Histogram()
    for ns in (500, 1500, 3_000_000, 1 << 40):
        histogram.add(ns)
    steps = histogram.spread().cumulative()
    assert [seconds for seconds, _ in steps] == sorted(seconds for seconds, _ in steps)
    assert steps[0] == (2048 / 1e9, 2)
    assert dict(steps)[2**22 / 1e9] == 3
    assert steps[-1][1] == 3
    assert len(Spread().cumulative()) == len(steps)


def test_recent__when_a_minute_passes__then_the_old_ones_are_forgotten() -> None:
    histogram, recent = Histogram(), RecentSpread(0.0)
    histogram.add(900_000_000)
    for second in range(1, 50):
        recent.note(histogram.spread(), second * 1000.0)
    assert recent.of(histogram.spread()).total == 1
    for second in range(50, 80):
        recent.note(histogram.spread(), second * 1000.0)
    assert recent.of(histogram.spread()).total == 0
    histogram.add(2_000_000)
    assert recent.of(histogram.spread()).total == 1
