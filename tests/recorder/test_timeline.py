"""Film time and hearing time, and what stands between."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from recorder.account.manifest import Incident, Mark, Pause
from recorder.clock import ClockRun, HearingClock
from recorder.film.timeline import (
    ALIGNMENT_TICKS,
    SECTION_TICKS,
    Timeline,
    build_timeline,
    cut_sections,
    timeline_map,
)

NS_PER_S = 1_000_000_000


def plan(
    length_s: float = 60,
    pauses: list[tuple[str, float, float | None]] | None = None,
    marks: list[tuple[str, float]] | None = None,
    incidents: list[tuple[str, float, float]] | None = None,
) -> Timeline:
    return build_timeline(
        duration_ns=int(length_s * NS_PER_S),
        pauses=[
            Pause(code, int(first * NS_PER_S), None if last is None else int(last * NS_PER_S))
            for code, first, last in pauses or []
        ],
        marks=[Mark(kind, "", int(at * NS_PER_S)) for kind, at in marks or []],
        incidents=[
            Incident(kind, int(a * NS_PER_S), int(b * NS_PER_S), "") for kind, a, b in incidents or []
        ],
    )


def reasons(timeline: Timeline) -> list[tuple[str, float]]:
    return [(piece.word, piece.ticks / 25) for piece in timeline.pieces]


# A card is up to four frames longer or shorter than said, so that what follows keeps its place on the lattice.
ALIGNED_S = 0.16


def test_timeline__when_nothing_happened__then_the_film_is_as_long_as_the_hearing() -> None:
    assert reasons(plan(60)) == [("", 60)]


def test_timeline__when_opened_and_closed__then_only_that_is_shown() -> None:
    timeline = plan(60, marks=[("opened", 5), ("closed", 50)])
    assert reasons(timeline) == [("", 45)]
    assert timeline.film_s(10 * NS_PER_S) == 5
    assert timeline.film_s(2 * NS_PER_S) == 0
    assert timeline.film_s(59 * NS_PER_S) == 45


def test_timeline__when_closing_was_undone__then_the_last_close_counts() -> None:
    timeline = plan(60, marks=[("opened", 5), ("closed", 30), ("reopened", 33), ("closed", 50)])
    assert timeline.duration_s == 45


def test_timeline__when_there_is_a_recess__then_it_is_three_seconds_of_card() -> None:
    timeline = plan(600, pauses=[("recess", 100, 400)])
    card_s = timeline.pieces[1].ticks / 25
    assert card_s == pytest.approx(3, abs=ALIGNED_S)
    assert reasons(timeline) == [("", 100), ("recess", card_s), ("", 200)]
    assert timeline.hearing_ns(100 + card_s) == 400 * NS_PER_S
    assert timeline.hearing_ns(100 + card_s / 2) == 250 * NS_PER_S
    assert timeline.film_s(500 * NS_PER_S) == pytest.approx(200 + card_s)


def test_timeline__when_a_pause_never_ends__then_the_film_ends_with_its_card() -> None:
    assert reasons(plan(60, pauses=[("mediation", 20, None)])) == [("", 20), ("mediation", 3)]


def test_timeline__when_the_pause_has_an_unknown_code__then_it_is_called_a_pause() -> None:
    word, card_s = reasons(plan(60, pauses=[("tea", 20, 30)]))[1]
    assert word == "pause"
    assert card_s == pytest.approx(3, abs=ALIGNED_S)


def test_timeline__when_the_recorder_crashed__then_wall_time_is_kept() -> None:
    assert reasons(plan(60, incidents=[("crash", 20, 31)])) == [("", 20), ("crash", 11), ("", 29)]


def test_timeline__when_the_interruption_is_very_long__then_its_card_is_shortened() -> None:
    assert reasons(plan(9000, incidents=[("crash", 20, 8000)])) == [
        ("", 20),
        ("crash", pytest.approx(10, abs=ALIGNED_S)),
        ("", 1000),
    ]


def test_timeline__when_a_hole_is_short__then_there_is_no_card() -> None:
    assert reasons(plan(60, incidents=[("damage", 20, 20.4)])) == [("", 60)]


def test_timeline__when_the_hearing_went_on_another_day__then_a_card_says_so() -> None:
    timeline = plan(9000, incidents=[("reopened", 100, 8000)])
    assert reasons(timeline) == [("", 100), ("recess", pytest.approx(3, abs=ALIGNED_S)), ("", 1000)]


def test_timeline__when_crash_and_recess_overlap__then_no_time_is_told_twice() -> None:
    timeline = plan(100, pauses=[("recess", 30, 60)], incidents=[("crash", 50, 70)])
    assert reasons(timeline) == [
        ("", 30),
        ("recess", pytest.approx(3, abs=ALIGNED_S)),
        ("crash", 10),
        ("", 30),
    ]
    for before, after in zip(timeline.pieces, timeline.pieces[1:], strict=False):
        assert before.until_ns == after.from_ns
        assert before.film_tick + before.ticks == after.film_tick


@pytest.mark.parametrize("length_s", [0, 0.01])
def test_timeline__when_there_is_nothing__then_there_is_one_frame(length_s: float) -> None:
    assert plan(length_s).ticks == 1


def test_timeline__when_it_lasts_longer_than_a_day__then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="more than a day"):
        plan(25 * 3600)


def test_map__when_written__then_every_piece_has_both_times() -> None:
    timeline = plan(60, pauses=[("recess", 20, 30)])
    clock = HearingClock((ClockRun(1, "boot", 0, 1_795_309_200 * NS_PER_S, 0),))
    told = json.loads(timeline_map(timeline, clock, recording_id="rec_1"))
    card_until_s = told["pieces"][1]["film_until_s"]
    assert card_until_s == pytest.approx(23, abs=ALIGNED_S)
    assert told["duration_s"] == card_until_s + 30
    assert told["recording_id"] == "rec_1"
    assert [(piece["film_from_s"], piece["film_until_s"]) for piece in told["pieces"]] == [
        (0, 20),
        (20, card_until_s),
        (card_until_s, card_until_s + 30),
    ]
    assert told["pieces"][1]["utc_from"] == "2026-11-22T01:00:20+00:00"
    assert told["pieces"][1]["reason"] == "recess"


def test_timeline__when_closing_was_undone_and_nobody_closed_again__then_the_record_s_end_counts() -> None:
    assert plan(60, marks=[("opened", 5), ("closed", 30), ("reopened", 33)]).duration_s == 55


def contents(timeline: Timeline) -> list[tuple[int, list[tuple[str, int, int, int]]]]:
    return [
        (section.film_tick, [(part.word, part.from_ns, part.until_ns, part.ticks) for part in section.parts])
        for section in cut_sections(timeline)
    ]


def test_sections__when_a_film_is_cut__then_they_cover_it_and_begin_on_whole_sound_frames() -> None:
    timeline = plan(200, pauses=[("recess", 30.13, 61.07)], incidents=[("crash", 100.3, 117.9)])
    sections = cut_sections(timeline)
    assert sum(section.ticks for section in sections) == timeline.ticks
    assert all(section.film_tick % ALIGNMENT_TICKS == 0 for section in sections)
    for before, after in pairwise(sections):
        assert before.film_tick + before.ticks == after.film_tick
        assert before.until_ns == after.from_ns
    assert max(sum(p.ticks for p in s.parts if p.word == "") for s in sections) < 2 * SECTION_TICKS


def test_sections__when_a_card_comes_later__then_those_after_it_stay_as_they_were() -> None:
    plain, told = plan(200), plan(200, pauses=[("recess", 30.13, 61.07)])
    before, after = ([parts for _, parts in contents(timeline)] for timeline in (plain, told))
    assert before[0] == after[0]
    assert before[4:] == after[-len(before[4:]) :], "64 s and later"


def test_sections__when_the_film_grows__then_what_stood_before_stays() -> None:
    short, long = contents(plan(100)), contents(plan(140))
    assert long[: len(short) - 1] == short[:-1]
