"""Placing and mixing voices."""

from __future__ import annotations

import math
from array import array
from itertools import pairwise

from recorder.film.sound import CHUNK_SAMPLES, LIMIT, Mixer, is_speaking, sample_at, stretched


def tone(amplitude: int, hz: int = 300, count: int = CHUNK_SAMPLES, first: int = 0) -> array[int]:
    return array(
        "h", [int(amplitude * math.sin(2 * math.pi * hz * (first + n) / 48_000)) for n in range(count)]
    )


def mixed(*chunks: list[array[int]]) -> array[int]:
    mixer = Mixer()
    out = array("h")
    for voices in chunks:
        out.extend(mixer.mix(voices) or ())
    out.extend(mixer.flush() or ())
    return out


def test_mix__when_one_speaks__then_nothing_is_changed() -> None:
    voice = [tone(8000, first=n * CHUNK_SAMPLES) for n in range(4)]
    assert mixed(*[[part] for part in voice]) == sum(voice[1:], voice[0])


def test_mix__when_nobody_speaks__then_there_is_silence_of_that_length() -> None:
    out = mixed([], [], [])
    assert len(out) == 3 * CHUNK_SAMPLES
    assert set(out) == {0}


def test_mix__when_two_speak__then_both_are_heard() -> None:
    first, second = tone(5000, 300), tone(5000, 700)
    out = mixed([first, second])
    assert list(out) == [a + b for a, b in zip(first, second, strict=True)]


def test_mix__when_everybody_shouts__then_the_limit_holds_and_the_gain_never_jumps() -> None:
    quiet, loud = [tone(9000)], [tone(30_000)] * 9
    out = mixed(quiet, quiet, loud, loud, quiet, quiet, quiet)
    assert max(map(abs, out)) <= LIMIT + 1
    assert max(map(abs, out[2 * CHUNK_SAMPLES : 4 * CHUNK_SAMPLES])) > LIMIT * 0.95
    steps = [abs(b - a) for a, b in pairwise(out)]
    assert max(steps) < 2500, "no click where the gain changes"


def test_mix__when_the_shouting_is_over__then_the_gain_comes_back() -> None:
    out = mixed([tone(30_000)] * 4, *[[tone(9000)] for _ in range(12)])
    assert max(out[-CHUNK_SAMPLES:]) > 8900


def test_stretch__when_a_few_samples_are_added__then_the_tone_stays() -> None:
    source = tone(10_000, 440, 960)
    for count in (956, 961, 964):
        out = stretched(source, count)
        assert len(out) == count
        assert (out[0], out[-1]) == (source[0], source[-1])
        worst = max(abs(out[n] - source[round(n * 959 / (count - 1))]) for n in range(count))
        assert worst < 600


def test_stretch__when_there_is_almost_nothing__then_it_is_left_alone() -> None:
    assert stretched(array("h", [5]), 3) == array("h", [5])


def test_speaking__when_it_is_loud_enough__then_it_counts() -> None:
    assert is_speaking(tone(4000))
    assert not is_speaking(tone(100))
    assert not is_speaking(None)


def test_sample_at__when_hours_pass__then_film_frames_stay_whole() -> None:
    assert sample_at(40_000_000 * 25 * 3600 * 8) == CHUNK_SAMPLES * 25 * 3600 * 8
