"""Searching words in what people wrote and filed: one normal form of text, terms, and the stretch that is shown.

Chinese has no spaces between words, so a term is found as a run of characters, wherever it stands. What differs without
being another word is made equal first: width, case, and the line ends that a PDF puts between the characters of a word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from hearing_server.errors import Invalid

MAX_QUERY_CHARS = 100
MAX_TERMS = 8
# About two lines on a phone, the term in the first one.
EXCERPT_CHARS = 64
_LEAD_CHARS = 16


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a text as it was written; `marks` are [start, end) of the terms in `text`, in order."""

    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Normal:
    """The normal form, and for each of its characters where in the text it comes from."""

    text: str
    places: tuple[int, ...]


def normal(text: str) -> str:
    """The form in which texts are compared and kept for searching."""
    return _normal(text).text


def terms_of(query: str) -> tuple[str, ...]:
    """What must all stand in a text: the parts between spaces, in normal form. Errors: Invalid `search.query`."""
    parts = [part for part in (normal(word).strip() for word in query.split()) if part]
    terms = tuple(dict.fromkeys(parts))
    if not terms or len(terms) > MAX_TERMS or len(query) > MAX_QUERY_CHARS:
        raise Invalid(
            "search.query",
            zh=f"请输入 1 至 {MAX_TERMS} 个关键词，共不超过 {MAX_QUERY_CHARS} 个字",
            en=f"Give 1 to {MAX_TERMS} words, at most {MAX_QUERY_CHARS} characters in all",
        )
    return terms


def excerpt_of(text: str, terms: Iterable[str]) -> Excerpt | None:
    """The stretch around the first term that stands in `text`; None when one of them is missing."""
    form = _normal(text)
    found: list[tuple[int, int]] = []
    for term in terms:
        at = form.text.find(term)
        if at < 0:
            return None
        while at >= 0:
            end = at + len(term)
            found.append((form.places[at], form.places[end - 1] + 1))
            at = form.text.find(term, end)
    found.sort()
    start = max(0, found[0][0] - _LEAD_CHARS)
    end = min(len(text), start + EXCERPT_CHARS)
    shown = [(max(first, start), min(last, end)) for first, last in found if first < end]
    marks = tuple((first - start, last - start) for first, last in _apart(shown))
    return Excerpt(text[start:end], marks)


def _apart(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch joined."""
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _normal(text: str) -> _Normal:
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if character.isspace():
            # One space between words of letters; none before, none twice.
            if letters and letters[-1] != " ":
                letters.append(" ")
                places.append(place)
            continue
        for letter in unicodedata.normalize("NFKC", character).casefold():
            if letter.isspace():
                continue
            if (
                letters
                and letters[-1] == " "
                and (_is_han(letter) or (len(letters) > 1 and _is_han(letters[-2])))
            ):
                letters.pop()
                places.pop()
            letters.append(letter)
            places.append(place)
    if letters and letters[-1] == " ":
        letters.pop()
        places.pop()
    return _Normal("".join(letters), tuple(places))


def _is_han(letter: str) -> bool:
    """Characters that are written without spaces, and the marks between them."""
    code = ord(letter)
    return 0x2E80 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF
