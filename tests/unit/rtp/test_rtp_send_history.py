"""The ring of what was sent, by transport-wide number."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.rtp.send_history import HISTORY, SendHistory


def test_next__numbers_wrap_at_16_bits_and_count_from_zero() -> None:
    history = SendHistory()
    assert history.newest == -1
    assert [history.next(100, 1.0) for _ in range(3)] == [0, 1, 2]
    for _ in range(0x10000 - 3):
        history.next(100, 2.0)
    assert history.next(100, 3.0) == 0
    assert history.newest == 0


def test_sent__known_numbers__are_told_and_others_have_no_size() -> None:
    history = SendHistory()
    for number in range(5):
        history.next(1000 + number, 10.0 * number)
    found = history.sent(3, 4)
    assert found.at_ms[:2] == [30.0, 40.0]
    assert found.size_bytes == [1003, 1004, 0, 0]
    assert history.sent(0xFFFF, 2).size_bytes == [0, 1000]


def test_sent__ring_is_full__the_oldest_are_forgotten() -> None:
    history = SendHistory()
    for number in range(HISTORY + 10):
        history.next(1 + number % 1000, float(number))
    assert history.sent(9, 2).size_bytes == [0, 11]
    assert history.sent(HISTORY + 9, 1).at_ms == [HISTORY + 9.0]


@given(st.integers(1, 3 * HISTORY), st.integers(0, 0xFFFF), st.integers(1, 300))
@settings(max_examples=60)
def test_sent__in_one_piece_or_singly__is_the_same(given_out: int, first: int, count: int) -> None:
    history = SendHistory()
    for number in range(given_out):
        history.next(1 + number % 1000, float(number))
    assert history.sent(first, count) == history._sent_singly(first, count, given_out - 1)
    near = (given_out - min(given_out, count)) & 0xFFFF
    assert history.sent(near, count) == history._sent_singly(near, count, given_out - 1)
