"""Counters that only rise: adding up, what grew, and streams that start anew."""

from dataclasses import fields

from signaling.traffic import Traffic

EACH_ONE = Traffic(*range(1, len(fields(Traffic)) + 1))


def test_add__every_field__takes_the_others_own() -> None:
    whole = EACH_ONE.copy()
    whole.add(EACH_ONE)
    assert [getattr(whole, each.name) for each in fields(Traffic)] == [
        2 * place for place in range(1, len(fields(Traffic)) + 1)
    ]
    assert EACH_ONE.packets_in == 1, "a copy is a moment of its own"


def test_since__an_earlier_moment__is_what_came_after_it() -> None:
    later = EACH_ONE.copy()
    later.add(Traffic(packets_in=2, congested=3))
    assert later.since(EACH_ONE) == Traffic(packets_in=2, congested=3)


def test_since__a_stream_that_started_anew__counts_from_nothing() -> None:
    assert Traffic(packets_in=3, bytes_in=95).since(Traffic(packets_in=9, bytes_in=90)) == Traffic(
        packets_in=3, bytes_in=5
    )
