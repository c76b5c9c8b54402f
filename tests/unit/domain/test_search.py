"""What is found: runs of characters, whatever their width, case or line ends; and what of a text is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.case_space.search import EXCERPT_CHARS, excerpt_of, normal, terms_of
from hearing_server.errors import Invalid

TEXTS = st.text(alphabet=st.sampled_from("证据开庭送达借款Ａa Bß１2\n\t，.（）"), min_size=1, max_size=200)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("请于三日内提交证据目录", "证据"),
        ("定于下周二开庭审理", "开庭"),
        ("电子送达地址确认书", "送达"),
        ("被告李四未到庭", "李四"),
        ("借款本金５００００元", "50000"),
        ("Ｌｏａｎ Agreement of 2024", "loan AGREEMENT"),
        ("证\n据 目 录", "证据目录"),
        ("（2026）云01民初12号", "（2026）云01民初12号"),
        ("微信转账记录.pdf", "PDF 转账"),
    ],
)
def test_text__when_it_holds_all_words__is_found(text: str, query: str) -> None:
    terms = terms_of(query)
    assert all(term in normal(text) for term in terms)
    shown = excerpt_of(text, terms)
    assert shown is not None
    assert shown.marks


def test_text__that_lacks_one_word__is_not_found() -> None:
    assert excerpt_of("请提交证据", terms_of("证据 目录")) is None


def test_words_of_letters__keep_their_spaces() -> None:
    assert normal("open  the\nhearing") == "open the hearing"
    assert "openthe" not in normal("open the hearing")


@pytest.mark.parametrize("query", ["", " \n ", "一 二 三 四 五 六 七 八 九", "长" * 101])
def test_query__empty_or_too_long__is_refused(query: str) -> None:
    with pytest.raises(Invalid) as refused:
        terms_of(query)
    assert refused.value.code == "search.query"


@given(text=TEXTS, start=st.integers(0, 199), length=st.integers(1, 12))
def test_any_stretch_of_a_text__finds_it_and_is_marked(text: str, start: int, length: int) -> None:
    stretch = text[start : start + length]
    if not normal(stretch):
        return
    terms = terms_of(stretch)
    shown = excerpt_of(text, terms)
    assert shown is not None
    assert shown.text in text
    assert len(shown.text) <= EXCERPT_CHARS
    assert shown.marks, "the first term is always in sight"
    for first, last in shown.marks:
        assert 0 <= first < last <= len(shown.text)
    before = (0, 0)
    for mark in shown.marks:
        assert mark[0] > before[1] or before == (0, 0), "marks are apart and in order"
        before = mark


@given(text=TEXTS)
def test_normal_form__is_its_own_normal_form(text: str) -> None:
    assert normal(normal(text)) == normal(text)
