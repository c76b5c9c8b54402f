"""What the synthetic viewer of `bench.bad_network` counts as shown: as a browser would."""

import pytest

from bench.decoding import FREEZE_S, Part, Stillness, TemporalDecoder

# Two groups of four pictures of one packet each: base, two of the upper layers that need only the base, one that needs
# all before it.
RHYTHM = ((0, False), (2, True), (1, True), (2, False))


def part(number: int) -> Part:
    temporal, is_sync = RHYTHM[number % 4]
    return Part(True, True, number == 0, 0x7FFE + number & 0x7FFF, number // 4, temporal, is_sync)


def shown_without(*missing: int, late: int = -1) -> list[int]:
    decoder, shown = TemporalDecoder(), []
    order = [number for number in range(12) if number not in missing]
    if late >= 0:
        order.append(late)
    for number in order:
        shown += [number] * decoder.packet(100 + number, part(number))
    return shown


@pytest.mark.parametrize(
    ("missing", "shown"),
    [
        ((), list(range(12))),
        ((1,), [0, 2, 4, 5, 6, 7, 8, 9, 10, 11]),  # nobody needs it but the last of its group
        ((3,), [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]),
        ((4,), [0, 1, 2, 3]),  # everything needs a base picture
    ],
)
def test_decoder__pictures_missing__shows_what_needs_none_of_them(
    missing: tuple[int, ...], shown: list[int]
) -> None:
    assert shown_without(*missing) == shown


def test_decoder__base_picture_comes_late__everything_behind_it_is_shown_then() -> None:
    assert shown_without(4, late=4) == [0, 1, 2, 3] + [4] * 8


def test_decoder__upper_picture_comes_behind_newer_ones__is_not_shown() -> None:
    assert shown_without(1, late=1) == shown_without(1)


def test_decoder__picture_in_three_packets__is_shown_when_the_last_of_them_came() -> None:
    decoder = TemporalDecoder()
    parts = [Part(at == 0, at == 2, at == 0, 1, 1, 0, False) for at in range(3)]
    assert [decoder.packet(place, parts[place - 7]) for place in (7, 9, 8)] == [0, 0, 1]


def test_stillness__a_plate_covers_the_picture__only_the_time_before_it_is_frozen() -> None:
    still = Stillness()
    still.show(1.0)
    still.cover(True, 1.0 + 2 * FREEZE_S)
    still.cover(False, 9.0)
    still.show(9.0 + FREEZE_S / 2)
    assert still.until(9.0 + FREEZE_S) == pytest.approx(2 * FREEZE_S)
