"""Which layers a publisher is asked for, and when it is told."""

from hypothesis import given
from hypothesis import strategies as st

from signaling.publishing.layer_demand import PAUSE_AFTER_MS, LayerDemand, LayerSeen, Rids, Want, wanted_rids

OFFERED = ("q", "h", "f")
SEEN = [
    LayerSeen("q", 180, 150_000, True),
    LayerSeen("h", 360, 500_000, True),
    LayerSeen("f", 720, 1_700_000, True),
]


def rids(*names: str | None) -> Rids:
    return frozenset(names)


def test_wanted__when_nobody_watches_or_records__then_nothing() -> None:
    assert wanted_rids(OFFERED, SEEN, [], is_recorded=False) == rids()
    assert wanted_rids((), [], [], is_recorded=False) == rids()


def test_wanted__when_two_watch_different_layers__then_both_and_always_the_smallest() -> None:
    assert wanted_rids(OFFERED, SEEN, [Want("f")], is_recorded=False) == rids("q", "f")
    assert wanted_rids(OFFERED, SEEN, [Want("f"), Want("h")], is_recorded=False) == rids("q", "h", "f")


def test_wanted__when_it_is_recorded__then_the_best_and_the_best_that_really_comes() -> None:
    assert wanted_rids(OFFERED, SEEN, [], is_recorded=True) == rids("q", "f")
    held_back = [*SEEN[:2], LayerSeen("f", 720, 1_700_000, False)]
    assert wanted_rids(OFFERED, held_back, [], is_recorded=True) == rids("q", "h", "f")
    resting = [SEEN[0], LayerSeen("h", 360, 500_000, False), SEEN[2]]
    assert wanted_rids(OFFERED, resting, [Want("q")], is_recorded=True) == rids("q", "f")
    only_the_smallest = [SEEN[0], LayerSeen("h", 360, 500_000, False), LayerSeen("f", 720, 0, False)]
    assert wanted_rids(OFFERED, only_the_smallest, [], is_recorded=True) == rids("q", "h", "f")
    assert wanted_rids(OFFERED, held_back, [], is_recorded=False) == rids()


def test_wanted__when_a_layer_never_came__then_only_who_would_take_it_asks_for_it() -> None:
    assert wanted_rids(OFFERED, SEEN[:2], [Want("h")], is_recorded=False) == rids("q", "h")
    assert wanted_rids(OFFERED, SEEN[:2], [Want("h", taller=True)], is_recorded=False) == rids("q", "h", "f")
    assert wanted_rids(OFFERED, SEEN[:2], [Want("h")], is_recorded=True) == rids("q", "h", "f")


def test_wanted__when_nothing_came_yet__then_everything() -> None:
    assert wanted_rids(OFFERED, [], [Want()], is_recorded=False) == rids(*OFFERED)


def test_wanted__when_there_is_no_simulcast__then_the_track_is_wanted_as_a_whole() -> None:
    assert wanted_rids((), [], [Want()], is_recorded=False) == rids(None)
    assert wanted_rids((), [], [], is_recorded=True) == rids(None)


def test_demand__when_a_layer_falls_idle__then_it_is_given_up_after_a_while_and_wanted_again_at_once() -> (
    None
):
    demand = LayerDemand(OFFERED)
    assert demand.order() is None
    assert not demand.update(rids("q", "f"), 1000)
    assert not demand.update(rids("q", "f"), 1000 + PAUSE_AFTER_MS - 1)
    assert demand.update(rids("q", "f"), 1000 + PAUSE_AFTER_MS)
    assert demand.order() == ("f", "q")
    assert demand.resting == rids("h")
    assert demand.update(rids(*OFFERED), 7000)
    assert demand.order() is None


def test_demand__when_it_is_wanted_in_between__then_the_while_begins_anew() -> None:
    demand = LayerDemand(OFFERED)
    demand.update(rids("q"), 0)
    demand.update(rids("q", "h"), 3000)
    demand.update(rids("q"), 3100)
    demand.update(rids("q"), PAUSE_AFTER_MS)
    assert demand.told == rids("q", "h")
    demand.update(rids("q"), 3100 + PAUSE_AFTER_MS)
    assert demand.told == rids("q")


def test_demand__when_nobody_watches_a_single_track__then_nothing_is_told_as_nothing() -> None:
    demand = LayerDemand(())
    demand.update(rids(), 0)
    assert demand.update(rids(), PAUSE_AFTER_MS)
    assert demand.order() == ()
    assert demand.update(rids(None), PAUSE_AFTER_MS + 1)
    assert demand.order() is None


@given(st.lists(st.tuples(st.floats(1, 4000), st.sets(st.sampled_from(OFFERED))), max_size=30))
def test_demand__whatever_is_wanted__then_it_is_sent_and_nothing_idle_is_sent_for_long(
    story: list[tuple[float, set[str]]],
) -> None:
    demand, now_ms = LayerDemand(OFFERED), 0.0
    idle_since: dict[str, float] = {}
    for step_ms, wanted in story:
        now_ms += step_ms
        before = demand.told
        changed = demand.update(frozenset(wanted), now_ms)
        assert changed == (demand.told != before)
        assert wanted <= demand.told
        for rid in OFFERED:
            if rid in wanted:
                idle_since.pop(rid, None)
            elif now_ms - idle_since.setdefault(rid, now_ms) >= PAUSE_AFTER_MS:
                assert rid not in demand.told
