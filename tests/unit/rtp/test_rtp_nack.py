"""Asking for lost packets in time, and answering within reason."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.nack import (
    FIRST_WAIT_MS,
    LONGEST_PAUSE_MS,
    MAX_ANSWERS,
    MAX_PENDING,
    MAX_TRIES,
    PICTURE_USEFUL_MS,
    AnswerLimiter,
    LossDetector,
)


def detector_with_hole(at: int = 102) -> LossDetector:
    losses = LossDetector()
    for sequence in range(100, 106):
        if sequence != at:
            losses.received(sequence, 0.0)
    return losses


def test_due__fresh_hole__waits_for_reordering_to_settle() -> None:
    losses = detector_with_hole()
    assert losses.due(FIRST_WAIT_MS - 1) == []
    assert losses.due(FIRST_WAIT_MS) == [102]


def test_due__packet_before_the_hole_is_long_ago__asks_at_once() -> None:
    losses = LossDetector()
    losses.received(100, 0.0)
    losses.received(102, 66.0)  # a small picture: one packet every 33 ms
    assert losses.due(66.0) == [101]


def test_due__hole_within_a_burst__waits_for_reordering_from_the_packet_before() -> None:
    losses = LossDetector()
    losses.received(100, 0.0)
    losses.received(102, 5.0)
    assert losses.due(FIRST_WAIT_MS - 1) == []
    assert losses.due(FIRST_WAIT_MS) == [101]


def test_due__packet_arrives_late__is_not_asked_for() -> None:
    losses = detector_with_hole()
    losses.received(102, 5.0)
    assert losses.pending == 0
    assert losses.due(1000.0) == []


def test_due__never_answered__spacing_grows_then_gives_up_and_wants_a_key_frame() -> None:
    losses = detector_with_hole()
    asked = [now for now in range(0, 6000, 5) if losses.due(now)]
    assert PICTURE_USEFUL_MS - 2 * losses.rtt_ms <= asked[-1] <= PICTURE_USEFUL_MS + losses.rtt_ms
    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert gaps == sorted(gaps)
    assert gaps[0] >= losses.rtt_ms
    assert gaps[-1] <= 2 * losses.rtt_ms + 5
    assert losses.pending == 0
    assert losses.given_up == 1
    assert losses.needs_keyframe


@pytest.mark.parametrize("rtt_ms", [1, 30, 70, 300])
def test_due__requests_unheard_for_a_moment__one_leaves_soon_after_it(rtt_ms: float) -> None:
    losses = LossDetector(rtt_ms=rtt_ms)
    for sequence in (100, 102):
        losses.received(sequence, 0.0)
    asked = [now for now in range(0, 6000, 20) if losses.due(now)]
    after_dark = next(at for at in asked if at > 340)
    assert after_dark - 340 <= max(LONGEST_PAUSE_MS, 2 * rtt_ms), "the request is not given up within a burst"
    assert len(asked) <= MAX_TRIES


def test_keyframe__starts_behind_the_hole__older_losses_are_dropped_and_younger_kept() -> None:
    losses = detector_with_hole()
    losses.received(107, 0.0)
    losses.received(110, 0.0)
    losses.received(111, 0.0)
    losses.keyframe(107)
    assert losses.due(100.0) == [108, 109]
    assert losses.pending == 2
    assert not losses.needs_keyframe


def test_received__hole_larger_than_the_bound__keeps_the_newest_and_wants_a_key_frame() -> None:
    losses = detector_with_hole()
    losses.received(1000, 0.0)
    losses.received(1001, 0.0)
    losses.received(1002, 0.0)
    assert losses.pending == MAX_PENDING
    assert losses.needs_keyframe
    assert losses.due(50.0) == list(range(900, 1000))
    assert losses.given_up == 1 + (900 - 106)


def test_due__numbers_beyond_16_bits__are_cut_for_the_wire() -> None:
    losses = LossDetector()
    for sequence in (65535, 65537, 65538, 65539):
        losses.received(sequence, 0.0)
    assert losses.due(30.0) == [0]


def test_forget__after_mute__asks_for_nothing_and_starts_anew() -> None:
    losses = detector_with_hole()
    losses.forget()
    losses.received(5000, 10.0)
    assert losses.due(1000.0) == []


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=200))
def test_received__any_order__only_missing_numbers_are_asked_and_the_bound_holds(
    events: list[tuple[int, bool]],
) -> None:
    losses = LossDetector()
    seen: set[int] = set()
    first, now = -1, 0.0
    for offset, asks in events:
        sequence = 1000 + offset
        first = sequence if first < 0 else first
        seen.add(sequence)
        now += 7
        losses.received(sequence, now)
        if asks:
            asked = set(losses.due(now))
            assert not asked & seen
            assert all(first < number < max(seen) for number in asked)
        assert losses.pending <= MAX_PENDING


def test_answers__repeated_requests__are_spaced_more_and_more_and_end() -> None:
    limiter = AnswerLimiter(rtt_ms=50)
    allowed = [now for now in range(0, 3000, 10) if limiter.allows(7, now)]
    assert allowed == [50 * turn * (turn + 1) // 2 for turn in range(MAX_ANSWERS)]
    assert limiter.allows(8, 3000)


def test_answers__line_was_dark_for_a_moment__request_after_it_is_answered() -> None:
    limiter = AnswerLimiter(rtt_ms=20)
    for now in (0, 100, 225):  # the answers are lost
        assert limiter.allows(7, now)
    assert limiter.allows(7, 380)


def test_answers__number_comes_round_again__is_a_new_packet() -> None:
    limiter = AnswerLimiter(rtt_ms=50)
    for now in range(0, 1000, 10):
        limiter.allows(7, now)
    assert not limiter.allows(7, 1000)
    assert limiter.allows(7, 60_000)


def test_answers__endless_different_numbers__memory_stays_bounded() -> None:
    limiter = AnswerLimiter()
    for number in range(5000):
        assert limiter.allows(number & 0xFFFF, number)
    assert len(limiter._answers) <= 512


def test_detector__when_packets_are_missing__then_whoever_rests_is_told_once_per_hole() -> None:
    told: list[int] = []
    losses = LossDetector()
    losses.on_missing = lambda: told.append(losses.pending)
    for number in (1, 2, 5, 6, 3, 8):
        losses.received(number, float(number))
    assert told == [2, 2], "with the second hole one of the first was still missing"
