"""Canonical JSON: the RFC's own examples, and round trips."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.canonical_json import MAX_SAFE_INTEGER, canonical_json
from hearing_server.errors import Invalid

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_canonical_json__any_value__reads_back_the_same(value: object) -> None:
    try:
        written = canonical_json(value)
    except Invalid:
        assert str(value).count("[") + str(value).count("{") > 8, "only depth may be refused here"
        return
    assert json.loads(written) == value
    assert canonical_json(json.loads(written)) == written


@given(st.dictionaries(texts, st.integers(0, 9), min_size=2, max_size=6))
def test_canonical_json__order_of_insertion__does_not_matter(value: dict[str, int]) -> None:
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


def test_canonical_json__names__sort_by_utf16_units() -> None:
    # RFC 8785 3.2.3: the emoji's surrogates (d83d…) come before U+FB33, though its code point is higher.
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = canonical_json(dict.fromkeys(names, 0)).decode()
    assert list(json.loads(written)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


def test_canonical_json__escapes__are_the_short_ones() -> None:
    # RFC 8785 3.2.2.2, example.
    assert (
        canonical_json('\u20ac$\u000f\nA\'B"\\"/\x7f\u2028')
        == '"€$\\u000f\\nA\'B\\"\\\\\\"/\x7f\u2028"'.encode()
    )
    assert canonical_json([True, False, None, -0, 12]) == b"[true,false,null,0,12]"


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), MAX_SAFE_INTEGER + 1, b"x", {1: 2}, {"a": {1}}, "\ud800", {"\udc00": 1}, object()],
)
def test_canonical_json__other_values__are_refused(value: object) -> None:
    with pytest.raises(Invalid, match="not_canonical"):
        canonical_json(value)


def test_canonical_json__depth__has_a_bound() -> None:
    nested: object = 1
    for _ in range(8):
        nested = [nested]
    assert canonical_json(nested) == b"[[[[[[[[1]]]]]]]]"
    with pytest.raises(Invalid, match="too deep"):
        canonical_json([nested])
