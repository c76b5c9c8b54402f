"""Numbers that wrap."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.sequence import (
    SequenceUnwrapper,
    difference32,
    nearest_extended,
)

UINT16 = st.integers(0, 0xFFFF)
UINT32 = st.integers(0, 0xFFFFFFFF)


@given(UINT32, st.integers(-0x80000000, 0x7FFFFFFF))
def test_difference32__any_step__is_recovered_across_the_wrap(start: int, step: int) -> None:
    assert difference32((start + step) & 0xFFFFFFFF, start) == step


@given(st.integers(0x10000, 1 << 40), st.integers(-0x7FFF, 0x7FFF))
def test_nearest_extended__number_nearby__is_unwrapped(reference: int, step: int) -> None:
    assert nearest_extended((reference + step) & 0xFFFF, reference) == reference + step


@given(UINT16, st.integers(0, 1 << 32))
def test_unwrapper__lossy_disordered_stream__agrees_with_true_numbers(first: int, seed: int) -> None:
    rng = random.Random(seed)
    numbers = SequenceUnwrapper()
    base = numbers.unwrap(first) - first
    true = first
    for _ in range(300):
        true += rng.choice((1, 1, 1, 2, 5, 300))
        late = true - rng.randrange(0, 40)
        assert numbers.unwrap(true & 0xFFFF) == base + true
        if late > first:
            assert numbers.unwrap(late & 0xFFFF) == base + late
    assert numbers.restarts == 0


def test_unwrapper__one_stray_number__is_refused_and_changes_nothing() -> None:
    numbers = SequenceUnwrapper()
    start = numbers.unwrap(10)
    assert numbers.unwrap(20_000) == -1
    assert numbers.unwrap(11) == start + 1
    assert numbers.restarts == 0


def test_unwrapper__sender_restarts_backwards__is_believed_at_the_second_packet_and_still_grows() -> None:
    numbers = SequenceUnwrapper()
    before = numbers.unwrap(40_000)
    assert numbers.unwrap(7) == -1
    believed = numbers.unwrap(8)
    assert believed > before
    assert believed & 0xFFFF == 8
    assert numbers.unwrap(9) == believed + 1
    assert numbers.restarts == 1
