"""Whatever is ordered and redacted, no stretch that is sealed, paused, cut, silenced or covered is in the copy.

Proved on the composed media by content: every half second of the record carries a code of its own in picture (a
brightness) and sound (a tone), for each person; the decoded film holds none of the forbidden ones. What may be shown is
there, so that a film of nothing proves nothing.
"""

from __future__ import annotations

import math
import tempfile
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from recorder.film.compose import compose_film
from recorder.film.labels import labels_of
from recorder.film.timeline import Timeline, build_timeline
from recorder.reading.recording import open_recording
from recorder.redactions import redactions_of
from tests.recorder.film_probe import SOUND_RATE_HZ, FilmFrame, FilmProbe
from tests.recorder.synthetic_hearing import NS_PER_S, Actor, Colour, Network, Order, Stage

_Test = TypeVar("_Test", bound=Callable[..., None])
SLOT_S = 0.5
SLOTS = 12
PEOPLE = ("a", "b")
# Chroma says who, brightness says when; the film's own colours are all near grey and dark.
CHROMA = {"a": (200, 90), "b": (90, 200)}
LUMA = tuple(56 + 14 * slot for slot in range(SLOTS))
TONES = {
    "a": tuple(400 + 125 * slot for slot in range(SLOTS)),
    "b": tuple(1960 + 125 * slot for slot in range(SLOTS)),
}
TOLERANCE = 5
# A tenth of a second of Hann window; a tone that fills 15 ms of it is found, the edge of another tone is not.
WINDOW = SOUND_RATE_HZ // 10
FOUND_SHARE = 0.12
ORDERS = ("sealed", "recess", "closed_exhibit", "mediation")
LABELS = labels_of({"people": {person: {"name": person, "role": ""} for person in PEOPLE}})


@dataclass(frozen=True)
class CodedActor(Actor):
    """Shows and says the code of each slot, without flashes or beeps."""

    def colour_at(self, at_s: float) -> Colour:
        return (LUMA[_slot(at_s)], *CHROMA[self.identity])

    def tone_at(self, at_s: float) -> int:
        return TONES[self.identity][_slot(at_s)]


def _slot(at_s: float) -> int:
    return min(int(at_s / SLOT_S + 1e-9), SLOTS - 1)


@dataclass(frozen=True)
class Case:
    """Slots [from, until) by kind. `orders` don't overlap each other; redactions may overlap everything."""

    orders: tuple[tuple[str, int, int], ...]
    redactions: tuple[tuple[str, str, int, int], ...]

    def forbidden(self) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
        """(picture codes, tone codes) that must be nowhere."""
        pictures: set[tuple[str, int]] = set()
        tones: set[tuple[str, int]] = set()
        for _, first, last in self.orders:
            both = {(person, slot) for person in PEOPLE for slot in range(first, last)}
            pictures, tones = pictures | both, tones | both
        for kind, person, first, last in self.redactions:
            slots = range(first, last)
            everybody = {(one, slot) for one in PEOPLE for slot in slots}
            if kind in ("cut", "region"):
                pictures |= everybody
            if kind == "cut":
                tones |= everybody
            if kind == "mask":
                pictures |= {(person, slot) for slot in slots}
            if kind == "mute":
                tones |= {(person, slot) for slot in slots}
        return pictures, tones


@st.composite
def cases(draw: st.DrawFn) -> Case:
    cuts = sorted(draw(st.sets(st.integers(1, SLOTS - 1), min_size=0, max_size=4)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    orders = tuple((draw(st.sampled_from(ORDERS)), first, last) for first, last in pairs)
    redactions = []
    for _ in range(draw(st.integers(0, 3))):
        first = draw(st.integers(0, SLOTS - 1))
        last = draw(st.integers(first + 1, min(first + 4, SLOTS)))
        kind = draw(st.sampled_from(("cut", "mute", "mask", "region")))
        redactions.append((kind, draw(st.sampled_from(PEOPLE)), first, last))
    return Case(orders, tuple(redactions))


def record(folder: Path, case: Case) -> None:
    """Everything arrives when it is sent, so that the order's moment cuts between two codes."""
    people: list[Actor] = [
        CodedActor(
            person, (0, 0, 0), 0, until_s=SLOTS * SLOT_S, key_every_s=SLOT_S, network=Network(delay_ms=0)
        )
        for person in PEOPLE
    ]
    orders = [Order(0.0, "opened"), Order(SLOTS * SLOT_S, "closed")]
    for kind, first, last in case.orders:
        end = "unsealed" if kind == "sealed" else "resume"
        orders += [Order(first * SLOT_S, kind), Order(last * SLOT_S, end)]
    stage = Stage(folder)
    stage.play(people, orders)
    stage.until(SLOTS * SLOT_S + 0.2)
    stage.close()


def rows_of(case: Case, timeline: Timeline, zero_ns: int) -> list[dict[str, Any]]:
    """The list as a clerk gives it: in seconds of the plain film. What lies wholly in a card needs no row."""
    rows: list[dict[str, Any]] = []
    for kind, person, first, last in case.redactions:
        span = [timeline.film_s(zero_ns + int(slot * SLOT_S * NS_PER_S)) for slot in (first, last)]
        if span[1] > span[0]:
            row = {"kind": kind, "person_id": person, "from_s": span[0], "until_s": span[1]}
            rows.append(row | {"x": 0, "y": 0, "width": 1, "height": 1})
    return rows


def seen(frames: list[FilmFrame]) -> set[tuple[str, int]]:
    """Every picture code that any pixel of the film shows."""
    found: set[tuple[str, int]] = set()
    for frame in frames:
        luma, us, vs = frame.planes
        width, half = 160, 80
        for index, (u, v) in enumerate(zip(us, vs, strict=True)):
            if max(abs(u - 128), abs(v - 128)) < 20:
                continue
            y = luma[(index // half) * 2 * width + (index % half) * 2]
            for person, (code_u, code_v) in CHROMA.items():
                if abs(u - code_u) <= TOLERANCE and abs(v - code_v) <= TOLERANCE:
                    found |= {(person, slot) for slot, code in enumerate(LUMA) if abs(y - code) <= TOLERANCE}
    return found


def heard(sound: array[int], codes: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Which of these tone codes are anywhere in the film's sound."""
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * index / WINDOW) for index in range(WINDOW)]
    full = 9000 * sum(hann) / 2
    found: set[tuple[str, int]] = set()
    for start in range(0, max(len(sound) - WINDOW, 0), WINDOW // 2):
        window = [value * weight for value, weight in zip(sound[start : start + WINDOW], hann, strict=True)]
        if max(window) < FOUND_SHARE * 1000:
            continue
        found |= {
            (person, slot)
            for person, slot in codes - found
            if _amplitude(window, TONES[person][slot]) > FOUND_SHARE * full
        }
    return found


def _amplitude(window: list[float], tone_hz: int) -> float:
    factor = 2 * math.cos(2 * math.pi * tone_hz / SOUND_RATE_HZ)
    before = last = 0.0
    for value in window:
        before, last = last, value + factor * last - before
    return math.sqrt(max(last * last + before * before - factor * last * before, 0.0))


def check(case: Case) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder, film = Path(scratch) / "rec", Path(scratch) / "copy.mp4"
        record(folder, case)
        recording = open_recording(folder)
        manifest = recording.manifest
        plain = build_timeline(
            duration_ns=manifest.duration_ns, pauses=manifest.pauses, marks=manifest.marks, incidents=()
        )
        zero_ns = next(mark.at_ns for mark in manifest.marks if mark.kind == "opened")
        compose_film(folder, film, LABELS, redactions=redactions_of({"list": rows_of(case, plain, zero_ns)}))
        probe = FilmProbe(film)
    pictures, tones = case.forbidden()
    everything = {(person, slot) for person in PEOPLE for slot in range(SLOTS)}
    shown = seen(probe.frames)
    assert not shown & pictures, f"{case}: shown {shown & pictures}"
    assert not (leaked := heard(probe.sound, tones)), f"{case}: heard {leaked}"
    # A slot whose neighbours are free as well is far from every edge: it must be there.
    for codes, present in ((pictures, shown), (tones, heard(probe.sound, everything - tones))):
        free = {
            (person, slot)
            for person, slot in everything - codes
            if all((person, near) not in codes for near in (slot - 1, slot + 1))
        }
        assert free <= present, f"{case}: lost {free - present}"


def _given(examples: int) -> Callable[[_Test], _Test]:
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
    )  # fmt: skip


ALL_AT_ONCE = Case(
    orders=(("sealed", 2, 4), ("mediation", 6, 7)),
    redactions=(("mute", "a", 0, 1), ("mask", "b", 4, 5), ("cut", "a", 8, 9), ("region", "a", 10, 11)),
)


def test_copy__of_everything_at_once__holds_no_forbidden_code() -> None:
    check(ALL_AT_ONCE)


@given(case=cases())
@_given(3)
def test_copy__of_a_random_hearing__holds_no_forbidden_code(case: Case) -> None:
    check(case)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@given(case=cases())
@_given(120)
def test_copy__of_many_random_hearings__holds_no_forbidden_code(case: Case) -> None:
    check(case)


def test_probe__of_a_film_that_shows_everything__finds_every_code() -> None:
    """The instrument itself: without it, a film in which nothing is found would pass."""
    with pytest.raises(AssertionError, match="shown"):
        check(_Blind(orders=(), redactions=()))


@dataclass(frozen=True)
class _Blind(Case):
    """Forbids what nobody has ordered to be hidden."""

    def forbidden(self) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
        return {("a", 3)}, {("b", 5)}
