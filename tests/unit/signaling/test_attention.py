"""Who is shown and who is heard when a room holds more than anybody can watch."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.grants import Standing
from signaling.rooms.attention import (
    HOLD_MS,
    LEAST_VOICES,
    MAX_PINS,
    NEVER_MS,
    Attention,
    Candidate,
    PictureChoice,
    PictureKey,
    Voice,
    pinned,
    silenced,
)

NAMES = [f"p{number:02}" for number in range(14)]


def cameras(*names: str) -> list[Candidate]:
    return [Candidate((name, "camera")) for name in names]


def shown_names(shown: frozenset[PictureKey]) -> set[str]:
    return {identity for identity, _ in shown}


@st.composite
def moments(draw: st.DrawFn) -> tuple[float, int, list[Candidate]]:
    """A moment of a room: how long after the last one, how many pictures, who is there and what they do."""
    there = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=14))
    found = []
    for name in sorted(there):
        spoke_ms = draw(st.one_of(st.just(NEVER_MS), st.floats(0, 100_000)))
        source = draw(st.sampled_from(["camera", "camera", "camera", "screen"]))
        found.append(
            Candidate(
                (name, source),
                draw(st.sampled_from([Standing.PARTY, Standing.PARTY, Standing.OBSERVER, Standing.BENCH])),
                spoke_ms,
                has_floor=draw(st.integers(0, 9)) == 0,
                is_pinned=draw(st.integers(0, 9)) == 0,
            )
        )
    return draw(st.sampled_from([100.0, 500.0, 2000.0, 6000.0])), draw(st.integers(0, 9)), found


@given(st.lists(moments(), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_choice__whatever_happens__then_musts_stay_the_number_is_kept_and_nothing_flaps(
    story: list[tuple[float, int, list[Candidate]]],
) -> None:
    choice, now_ms = PictureChoice(), 0.0
    since: dict[PictureKey, float] = {}
    for step_ms, limit, candidates in story:
        now_ms += step_ms
        shown = choice.choose(candidates, limit, now_ms)
        offered = {each.key for each in candidates}
        musts = {each.key for each in candidates if each.is_must}
        assert shown <= offered
        if limit == 0:
            assert not shown
        else:
            assert musts <= shown
            assert len(shown) == min(len(offered), max(limit, len(musts)))
            fresh = shown - musts - since.keys()
            lost = [key for key in since if key in offered and key not in shown]
            # A young picture went only because musts took its place: then no other face came instead.
            if any(now_ms - since[key] < HOLD_MS for key in lost):
                assert not fresh
        since = {key: since.get(key, now_ms) for key in shown}


def test_choice__when_somebody_speaks__then_who_was_silent_longest_gives_way_and_the_speaker_stays() -> None:
    choice, people = PictureChoice(), cameras("a", "b", "c", "d")
    assert shown_names(choice.choose(people, 3, 0)) == {"a", "b", "c"}
    people[0] = replace(people[0], spoke_ms=50)
    talking = [*people[:3], replace(people[3], has_floor=True, spoke_ms=10_000)]
    assert shown_names(choice.choose(talking, 3, 10_000)) == {"a", "b", "d"}
    silent = [replace(each, has_floor=False) for each in talking]
    assert shown_names(choice.choose(silent, 3, 30_000)) == {"a", "b", "d"}


def test_choice__when_the_bench_and_a_screen_fill_every_place__then_they_are_all_shown() -> None:
    bench = [Candidate((name, "camera"), Standing.BENCH) for name in ("j1", "j2", "j3", "clerk")]
    candidates = [*cameras("a", "b"), *bench, Candidate(("a", "screen"))]
    shown = PictureChoice().choose(candidates, 2, 0)
    assert shown == {each.key for each in bench} | {("a", "screen")}


def test_choice__when_places_are_few__then_a_party_comes_before_an_observer_who_spoke() -> None:
    observer = Candidate(("o", "camera"), Standing.OBSERVER, spoke_ms=900)
    assert shown_names(PictureChoice().choose([observer, *cameras("a")], 1, 1000)) == {"a"}


def test_choice__when_a_viewer_wants_no_picture__then_not_even_the_bench_is_sent() -> None:
    choice = PictureChoice()
    assert choice.choose([Candidate(("j", "camera"), Standing.BENCH)], 0, 0) == frozenset()


def test_pins__when_one_or_two_pictures_are_larger_than_the_rest__then_these_and_in_a_gallery_none() -> None:
    small = {(name, "camera"): 180 for name in NAMES[:5]}
    stage = ("p05", "camera")
    assert pinned(small | {stage: 720}) == {stage}
    assert pinned(small | {stage: 0}) == frozenset()
    two = {stage: 720, ("p06", "camera"): 720}
    assert len(two) == MAX_PINS
    assert pinned(small | two) == set(two)
    assert pinned(dict.fromkeys(small, 0)) == frozenset()
    assert pinned({}) == frozenset()


def test_urgency__when_pictures_compete_for_a_line__then_screen_floor_pin_bench_party_observer() -> None:
    order = [
        Candidate(("a", "screen")),
        Candidate(("b", "camera"), has_floor=True),
        Candidate(("c", "camera"), is_pinned=True),
        Candidate(("j", "camera"), Standing.BENCH),
        Candidate(("d", "camera")),
        Candidate(("o", "camera"), Standing.OBSERVER),
    ]
    assert [each.urgency for each in order] == sorted({each.urgency for each in order})


def voice(name: str, spoke_ms: float | None, loudness_db: float = -30.0) -> Voice:
    return Voice(name, Standing.PARTY, spoke_ms, loudness_db)


def test_voices__when_no_more_than_the_limit_are_open__then_nobody_is_cut_off() -> None:
    assert silenced([voice(name, NEVER_MS) for name in NAMES[:12]], 12, frozenset(), 0) == frozenset()


def test_voices__when_more_are_open__then_the_loudest_of_those_who_talk_pass_and_the_bench_always() -> None:
    talking = [voice(name, 10_000, -10.0 - place) for place, name in enumerate(NAMES[:10])]
    bench = [Voice("judge", Standing.BENCH, NEVER_MS, -127)]
    unjudged = [voice("old-phone", None)]
    cut = silenced([*talking, *bench, *unjudged], 6, frozenset(), 10_000)
    assert cut == set(NAMES[4:10])


def test_voices__when_nobody_talks__then_those_who_talked_last_stay_open() -> None:
    quiet = [voice(name, 1000.0 * place) for place, name in enumerate(NAMES[:8])]
    assert silenced(quiet, 5, frozenset(), 60_000) == set(NAMES[:3])


def test_voices__when_two_are_about_as_loud__then_the_one_that_passes_stays() -> None:
    six = [voice(name, 10_000, -20) for name in NAMES[:5]] + [voice("new", 10_000, -18)]
    assert silenced(six, 5, frozenset({"new"}), 10_000) == {"new"}
    louder = [*six[:5], voice("new", 10_000, -15)]
    assert "new" not in silenced(louder, 5, frozenset({"new"}), 10_000)


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.floats(0, 50_000), st.floats(-127, 0)), unique_by=lambda v: v[0]
    ),
    st.integers(1, 14),
    st.integers(0, 14),
)
def test_voices__whatever_is_open__then_the_bench_passes_and_some_others_always_do(
    open_: list[tuple[str, float, float]], limit: int, bench: int
) -> None:  # fmt: skip
    voices = [
        Voice(name, Standing.BENCH if place < bench else Standing.PARTY, spoke_ms, level)
        for place, (name, spoke_ms, level) in enumerate(open_)
    ]
    cut = silenced(voices, limit, frozenset(), 50_000)
    others = [each for each in voices if each.standing is not Standing.BENCH]
    assert cut <= {each.identity for each in others}
    if len(voices) > limit:
        expected = max(LEAST_VOICES, limit - (len(voices) - len(others)))
        assert len(others) - len(cut) == min(len(others), expected)
    else:
        assert not cut


def test_attention__when_somebody_spoke_and_left__then_nothing_of_them_is_remembered() -> None:
    room = Attention()
    room.seated("j", Standing.BENCH)
    room.floor("j", 5.0)
    assert room.candidate(("j", "camera"), is_pinned=False) == Candidate(
        ("j", "camera"), Standing.BENCH, 5.0, has_floor=True
    )
    room.left("j")
    assert room.candidate(("j", "camera"), is_pinned=False) == Candidate(("j", "camera"))
