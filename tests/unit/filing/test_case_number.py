"""Case numbers: every usual writing reads the same, every wrong part is named."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.errors import Invalid
from hearing_server.filing.case_number import PROVINCE_MARKS, CaseNumber, check, normalise, parse
from tests.unit.court_pieces import profile

SCHEME = profile().scheme
# Characters that can't be mistaken for a speciality or for the ending.
TYPE_LETTERS = "民刑行初终执异恢保特申再辖"

numbers = st.builds(
    CaseNumber,
    year=st.integers(2016, 2099),
    court_code=st.one_of(
        st.just("最高法"),
        st.builds(
            lambda mark, digits: mark + digits,
            st.sampled_from(PROVINCE_MARKS),
            st.sampled_from(["", "01", "0199", "9999"]),
        ),
    ),
    speciality=st.sampled_from(["", "知"]),
    type_code=st.text(st.sampled_from(TYPE_LETTERS), min_size=1, max_size=3),
    serial=st.integers(1, 999_999_999),
)


@given(numbers)
def test_parse__of_its_own_form__gives_the_number_back(number: CaseNumber) -> None:
    assert parse(str(number)) == number


@given(numbers, st.data())
def test_parse__any_mix_of_widths_brackets_and_blanks__reads_the_same(
    number: CaseNumber, data: st.DataObject
) -> None:
    written = ""
    for char in str(number):
        forms = {"（": "（(〔【[", "）": "）)〕】]"}.get(char)
        if forms is None and char.isdigit():
            forms = char + chr(ord(char) - ord("0") + ord("０"))
        written += data.draw(st.sampled_from(forms or char)) + data.draw(
            st.sampled_from(["", "", " ", "\u3000"])
        )
    if len(written) <= 64:
        assert parse(written) == number


@given(st.text(max_size=70))
def test_parse__any_text__reads_or_refuses_by_name(text: str) -> None:
    refused: Invalid | None = None
    try:
        number = parse(text)
    except Invalid as refusal:
        refused = refusal
    if refused is None:
        assert parse(str(number)) == number
        return
    assert refused.code.startswith("case_number.")
    assert refused.zh
    assert refused.en


@given(numbers)
def test_normalise__twice__changes_nothing_more(number: CaseNumber) -> None:
    once = normalise(f" {number} ")
    assert normalise(once) == once == unicodedata.normalize("NFKC", str(number))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("(2021)浙0109民初9337号", (2021, "浙0109", "", "民初", 9337)),
        ("（2017）京04民终367号", (2017, "京04", "", "民终", 367)),
        ("（2019）最高法知民终1号", (2019, "最高法", "知", "民终", 1)),
        ("（2020）粤知民终5号", (2020, "粤", "知", "民终", 5)),
        ("（2026）浙0199执12号", (2026, "浙0199", "", "执", 12)),
        ("（2026）浙0199诉前调 7 号", (2026, "浙0199", "", "诉前调", 7)),
    ],
)
def test_parse__real_forms__are_taken_apart(text: str, parts: tuple[int, str, str, str, int]) -> None:
    assert parse(text) == CaseNumber(*parts)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("　 ", "empty"),
        ("2026浙0199民初12号", "brackets"),
        ("（2026浙0199民初12号", "brackets"),
        ("（26）浙0199民初12号", "year"),
        ("（2026）火0199民初12号", "court_code"),
        ("（2026）浙199民初12号", "court_code"),
        ("（2026）浙01991民初12号", "court_code"),
        ("（2026）浙0199民初12", "ending"),
        ("（2026）浙0199民初号", "serial"),
        ("（2026）浙0199民初012号", "serial"),
        ("（2026）浙0199民初0号", "serial"),
        ("（2026）浙0199民初1234567890号", "serial"),
        ("（2026）浙0199民事一审12号", "type_code"),
        ("（2026）浙019912号", "malformed"),
        ("（2026）浙0199民初12号之一", "ending"),
        ("号" * 65, "too_long"),
    ],
)
def test_parse__one_part_wrong__names_that_part(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert refused.value.code == f"case_number.{code}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("（2026）浙0109民初12号", "other_court"),
        ("（2015）浙0199民初12号", "year"),
        ("（2027）浙0199民初12号", "year"),
        ("（2026）浙0199商初12号", "unknown_type"),
    ],
)
def test_check__not_ours__names_what_is_not(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(parse(text), SCHEME, latest_year=2026)
    assert refused.value.code == f"case_number.{code}"


def test_compose__allocated_serial__is_ours_and_has_its_series() -> None:
    number = SCHEME.compose(year=2026, type_code="民初", serial=12)
    assert str(number) == "（2026）浙0199民初12号"
    assert number.series == (2026, "浙0199", "民初")
    check(number, SCHEME, latest_year=2026)
    with pytest.raises(Invalid, match="unknown_type"):
        SCHEME.compose(year=2026, type_code="商初", serial=12)
