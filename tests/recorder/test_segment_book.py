"""The packed list of segments gives back what it was given."""

import dataclasses
import sys

import pytest

from recorder.account.manifest import SealedSegment
from recorder.writing.segment_book import SegmentBook

HOUR = 1200  # segments of three seconds


def _segment(number: int) -> SealedSegment:
    return SealedSegment(
        number=number,
        name=f"journal/{number:08d}.seg",
        run=1 + number // 7,
        size_bytes=700_000 + number,
        valid_bytes=700_000,
        sha256=f"{number:064x}",
        previous_sha256=f"{number - 1:064x}" if number > 1 else "",
        first_ns=number * 3_000_000_000,
        last_ns=(number + 1) * 3_000_000_000,
        records=1500 + number,
        packets=1400,
    )


def test_book__then_it_gives_back_what_it_was_given() -> None:
    given = [_segment(number) for number in range(1, 200)]
    book = SegmentBook()
    assert not book
    for segment in given:
        book.append(segment)
    assert list(book) == given
    assert len(book) == len(given)
    assert book[0] == given[0]
    assert book[-1] == given[-1]
    assert book[3:6] == given[3:6]
    with pytest.raises(IndexError):
        book[len(given)]


def test_book__when_a_segment_is_renamed__then_only_that_one_changes() -> None:
    given = [_segment(number) for number in range(1, 6)]
    given[2] = dataclasses.replace(given[2], name="journal/00000003.part")
    book = SegmentBook()
    for segment in given:
        book.append(segment)
    assert list(book) == given
    book.rename("journal/00000003.part", "journal/00000003.seg", 42)
    given[2] = dataclasses.replace(given[2], name="journal/00000003.seg", size_bytes=42)
    assert list(book) == given
    book.rename("journal/00000001.seg", "journal/00000001.part", 7)
    assert (book[0].name, book[0].size_bytes) == ("journal/00000001.part", 7)


def test_book__when_a_digest_is_none__then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        SegmentBook().append(dataclasses.replace(_segment(1), sha256="ab"))


def test_book__after_a_day_of_hearing__then_it_stays_small() -> None:
    book = SegmentBook()
    for number in range(1, 24 * HOUR + 1):
        book.append(_segment(number))
    assert sys.getsizeof(book._rows) < 24 * 150_000, "150 kB an hour"
    assert not book._names
