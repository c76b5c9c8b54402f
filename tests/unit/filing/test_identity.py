"""Identity numbers and phones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.errors import Invalid
from hearing_server.filing.cases import PartyKind
from hearing_server.filing.identity import (
    check_id_number,
    last_four,
    mask_id_number,
    mask_phone,
    normalise_phone,
)
from tests.unit.court_pieces import resident_number

NATURAL, LEGAL = PartyKind.NATURAL, PartyKind.LEGAL


@given(st.integers(0, 999), st.integers(0, 16), st.integers(1, 9))
def test_resident_number__one_digit_changed__is_refused(sequence: int, place: int, step: int) -> None:
    number = resident_number(sequence)
    assert check_id_number(number, NATURAL) == number
    digit = str((int(number[place]) + step) % 10)
    with pytest.raises(Invalid, match="id_number"):
        check_id_number(number[:place] + digit + number[place + 1 :], NATURAL)


@given(st.integers(0, 999), st.integers(0, 16))
def test_resident_number__two_neighbours_swapped__is_refused(sequence: int, place: int) -> None:
    number = resident_number(sequence)
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped != number:
        with pytest.raises(Invalid, match="id_number"):
            check_id_number(swapped, NATURAL)


def test_resident_number__full_width_and_small_x__is_normalised() -> None:
    with_x = next(number for number in map(resident_number, range(1000)) if number.endswith("X"))
    written = "".join(chr(ord(char) + 0xFEE0) for char in with_x[:-1]) + " x"
    assert check_id_number(written, NATURAL) == with_x
    assert last_four(with_x.lower()) == with_x[-4:]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "length"),
        ("33019919900307001", "length"),
        ("A" * 18, "characters"),
        (resident_number(birth="19900230"), "birth_date"),
        (resident_number(birth="18990101"), "birth_date"),
        ("9" * 10_000, "length"),
    ],
)
def test_resident_number__wrong__is_named(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_id_number(text, NATURAL)
    assert refused.value.code == f"id_number.{code}"


def test_organisation_code__right_and_wrong_check_character__differ() -> None:
    assert check_id_number("91110000600037341l", LEGAL) == "91110000600037341L"
    with pytest.raises(Invalid, match="check_digit"):
        check_id_number("91110000600037341M", LEGAL)
    with pytest.raises(Invalid, match="characters"):
        check_id_number("9111000060003734IO", LEGAL)


@pytest.mark.parametrize(
    "text",
    ["13800001234", "+86 138-0000-1234", "86 13800001234", "0086１３８００００１２３４", " 138 0000 1234"],
)
def test_phone__usual_writings__become_eleven_digits(text: str) -> None:
    assert normalise_phone(text) == "13800001234"


@pytest.mark.parametrize(
    "text", ["", "1380000123", "12800001234", "138000012345", "0571-88888888", "1.38E+10"]
)
def test_phone__not_a_mobile_number__is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"phone\.malformed"):
        normalise_phone(text)


def test_masks__show_ends_only() -> None:
    assert mask_phone("13800001234") == "138****1234"
    number = resident_number()
    assert mask_id_number(number) == f"330{'*' * 11}{number[-4:]}"
