"""Sharing one viewer's line: order, hysteresis, thinning, and what is left out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.rates import LayerOffer
from signaling.rtp.rewriter import ALL_TEMPORAL_LAYERS as ALL
from signaling.watching.allocation import (
    OTHERS_PRIORITY,
    SCREEN_PRIORITY,
    SPEAKER_PRIORITY,
    VOICE_PRIORITY,
    Share,
    Wish,
    allocate,
)

LAYERS = (LayerOffer(1, 150e3, 180), LayerOffer(2, 500e3, 360), LayerOffer(3, 1700e3, 720))
THINNABLE = tuple(replace(layer, shares=(0.4, 0.6, 1.0)) for layer in LAYERS)
VOICE = Wish("voice", VOICE_PRIORITY, (LayerOffer(9, 40e3, 0),), 1, is_vital=True)
SCREEN = Wish("screen", SCREEN_PRIORITY, (LayerOffer(8, 800e3, 1080),), 1080)
SPEAKER = Wish("speaker", SPEAKER_PRIORITY, LAYERS, 720)
OTHERS = [Wish(f"other {number}", OTHERS_PRIORITY, LAYERS, 720) for number in range(3)]


def layers_of(*wishes: Wish, budget: float) -> dict[str, int]:
    return {key: share.layer for key, share in allocate(wishes, budget).shares.items()}


def test_allocate__ample_line__everybody_gets_the_tallest_wanted() -> None:
    found = allocate([VOICE, SCREEN, SPEAKER, replace(OTHERS[0], max_height_px=300)], 20e6)
    assert {key: share.layer for key, share in found.shares.items()} == {
        "voice": 9, "screen": 8, "speaker": 3, "other 0": 2,
    }  # fmt: skip
    assert found.spent_bps == pytest.approx(40e3 + 800e3 + 1700e3 + 500e3)
    assert found.next_bps is None
    assert found.starved == ()


def test_allocate__line_shrinks__others_fall_first_and_the_voice_never() -> None:
    wishes = (VOICE, SCREEN, SPEAKER, *OTHERS)
    small = {"voice": 9, "screen": 8, "speaker": 1, "other 0": 1, "other 1": 1, "other 2": 1}
    assert layers_of(*wishes, budget=3.85e6) == small | {"speaker": 3, "other 0": 2, "other 1": 2}
    assert layers_of(*wishes, budget=2.0e6) == small | {"speaker": 2}
    assert layers_of(*wishes, budget=1.65e6) == small
    assert set(layers_of(*wishes, budget=900e3)) == {"voice", "screen"}
    assert set(layers_of(*wishes, budget=600e3)) == {"voice", "speaker", "other 0", "other 1"}
    assert set(layers_of(*wishes, budget=0)) == {"voice"}


def test_allocate__something_does_not_fit__says_what_and_what_it_would_take() -> None:
    found = allocate([VOICE, SPEAKER, OTHERS[0]], 240e3)
    assert found.starved == ("other 0",)
    assert found.next_bps == pytest.approx(40e3 + 500e3 * 1.2), "the speaker's next step comes first"
    left_out = replace(OTHERS[0], was_starved=True)
    found = allocate([VOICE, replace(SPEAKER, max_height_px=180), left_out], 240e3)
    assert found.next_bps == pytest.approx(40e3 + 150e3 + 150e3 * 1.2)


def test_allocate__vital_picture__is_sent_whatever_the_line_says() -> None:
    judge = replace(OTHERS[0], is_vital=True)
    found = allocate([VOICE, judge, OTHERS[1]], 10e3)
    assert set(found.shares) == {"voice", "other 0"}
    assert found.shares["other 0"].layer == 1
    assert found.starved == ("other 1",)


def test_allocate__what_is_sent__stays_until_it_no_longer_fits_and_climbs_with_air() -> None:
    sent = replace(SPEAKER, current=3)
    assert layers_of(sent, budget=1.75e6) == {"speaker": 3}
    assert layers_of(replace(SPEAKER, current=2), budget=1.75e6) == {"speaker": 2}
    assert layers_of(replace(SPEAKER, current=2), budget=2.1e6) == {"speaker": 3}
    assert layers_of(replace(SPEAKER, was_starved=True), budget=160e3) == {}
    assert layers_of(replace(SPEAKER, was_starved=True), budget=190e3) == {"speaker": 1}
    assert layers_of(SPEAKER, budget=160e3) == {"speaker": 1}


def test_allocate__thinnable_layers__fewer_pictures_before_a_smaller_one() -> None:
    wish = replace(SPEAKER, layers=THINNABLE, current=3)
    assert allocate([wish], 1.7e6).shares["speaker"] == Share(3, ALL, 1700e3)
    assert allocate([wish], 1.1e6).shares["speaker"] == Share(3, 1, 1020e3)
    assert allocate([wish], 0.9e6).shares["speaker"] == Share(2, ALL, 500e3)
    thinned = replace(wish, current_temporal=1)
    assert allocate([thinned], 1.75e6).shares["speaker"] == Share(3, 1, 1020e3), "climbing needs air"
    assert allocate([thinned], 2.1e6).shares["speaker"] == Share(3, ALL, 1700e3)


def test_allocate__no_climbing_now__what_is_sent_stays_and_what_starts_starts() -> None:
    small, dark = replace(SPEAKER, current=1), replace(OTHERS[0], was_starved=True)
    found = allocate([VOICE, small, dark, OTHERS[1]], 20e6, may_climb=False)
    assert {key: share.layer for key, share in found.shares.items()} == {
        "voice": 9, "speaker": 1, "other 1": 3,
    }  # fmt: skip
    assert found.starved == ("other 0",)
    assert found.next_bps == pytest.approx(40e3 + 150e3 + 1700e3 + 600e3 - 150e3), "probes go on meanwhile"
    assert allocate([replace(SPEAKER, current=3)], 600e3, may_climb=False).shares["speaker"].layer == 2


def test_allocate__equals__are_raised_in_turn() -> None:
    assert layers_of(*OTHERS, budget=3 * 600e3) == dict.fromkeys(("other 0", "other 1", "other 2"), 2)


@pytest.mark.parametrize("wish", [replace(SPEAKER, max_height_px=0), replace(SPEAKER, layers=())])
def test_allocate__nothing_wanted_or_nothing_there__is_no_starving(wish: Wish) -> None:
    found = allocate([wish], 1e6)
    assert found.shares == {}
    assert found.starved == ()
    assert found.next_bps is None


def test_allocate__layer_that_stopped__is_chosen_only_when_alone() -> None:
    silent = LayerOffer(3, 0.0, 720)
    assert layers_of(replace(SPEAKER, layers=(LAYERS[0], silent)), budget=5e6) == {"speaker": 1}
    assert layers_of(replace(SPEAKER, layers=(silent,)), budget=0) == {"speaker": 3}


OFFERS = st.lists(
    st.builds(
        LayerOffer,
        st.integers(1, 9),
        st.floats(0, 5e6),
        st.integers(0, 1080),
        st.sampled_from([(1.0,), (0.6, 1.0), (0.4, 0.6, 1.0)]),
    ),
    max_size=4,
    unique_by=lambda offer: offer.key,
).map(tuple)
WISHES = st.lists(
    st.builds(
        Wish,
        st.text("abc", min_size=1, max_size=3),
        st.integers(0, 3),
        OFFERS,
        st.integers(0, 1080),
        st.none() | st.integers(1, 9),
        st.integers(0, 3),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda wish: wish.key,
)


def _alive(wish: Wish) -> list[LayerOffer]:
    return [layer for layer in wish.layers if layer.bitrate_bps > 0] or list(wish.layers)


def _is_due(wish: Wish) -> bool:
    return wish.is_vital and wish.max_height_px > 0 and bool(wish.layers)


@given(WISHES, st.floats(0, 2e7))
def test_allocate__any_wishes__never_spends_more_than_the_line_except_for_what_is_vital(
    wishes: list[Wish], budget: float
) -> None:
    found = allocate(wishes, budget)
    by_key = {wish.key: wish for wish in wishes}
    vital = sum(max(offer.bitrate_bps for offer in _alive(wish)) for wish in wishes if _is_due(wish))
    assert found.spent_bps <= max(budget, vital) + 1e-6
    assert found.spent_bps == pytest.approx(sum(share.bitrate_bps for share in found.shares.values()))
    for key, share in found.shares.items():
        assert share.layer in {layer.key for layer in by_key[key].layers}
    wanted = {wish.key for wish in wishes if wish.max_height_px > 0 and wish.layers}
    assert set(found.shares) | set(found.starved) == wanted
    assert not set(found.shares) & set(found.starved)


@given(WISHES, st.floats(0, 2e7))
def test_allocate__what_it_gave__is_stable_when_asked_again(wishes: list[Wish], budget: float) -> None:
    first = allocate(wishes, budget).shares
    again = [
        replace(wish, current=share.layer, current_temporal=share.max_temporal)
        if (share := first.get(wish.key))
        else wish
        for wish in wishes
    ]
    second = allocate(again, budget).shares
    assert set(first) <= set(second)
