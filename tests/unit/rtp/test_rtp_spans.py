"""The memory of an outgoing stream is bounded, and right as far back as it goes."""

from __future__ import annotations

from signaling.rtp.spans import Span, SpanHistory


def span(first_out: int, first_in: int, ssrc: int = 1) -> Span:
    return Span(first_out, first_in, ssrc, first_out - first_in, 0, 0, 0, 3)


def test_push__thousands_of_spans__the_latest_are_known_and_memory_stays_bounded() -> None:
    history = SpanHistory()
    for i in range(10_000):
        history.push(span(first_out=10 * i, first_in=11 * i))
    next_out = 100_000
    for i in range(9_900, 10_000):
        origin = history.origin_of((10 * i + 3) & 0xFFFF, next_out)
        assert origin == (span(10 * i, 11 * i), 10 * i + 3)
        assert history.place_of(1, 11 * i + 9, next_out) == (span(10 * i, 11 * i), 10 * i + 9)
        assert history.place_of(1, 11 * i + 10, next_out) is None  # the sequence closed over it
    assert history.origin_of((next_out - 20_000) & 0xFFFF, next_out) is None
    assert len(history._spans) <= 256


def test_push__span_in_which_nothing_was_sent__is_replaced() -> None:
    history = SpanHistory()
    for i in range(1000):
        history.push(span(first_out=5, first_in=i))
    assert history.place_of(1, 1000, 20) == (span(5, 999), 6)
    assert len(history._spans) == 1


def test_place_of__number_of_another_layer__is_not_mixed_up() -> None:
    history = SpanHistory()
    history.push(span(0, 100, ssrc=1))
    history.push(span(10, 100, ssrc=2))
    assert history.place_of(1, 105, 20) is None
    assert history.place_of(2, 105, 20) == (span(10, 100, ssrc=2), 15)
    assert history.origin_of(5, 20) == (span(0, 100, ssrc=1), 5)
    assert history.origin_of(20, 20) is None
    history.clear()
    assert history.origin_of(5, 20) is None
