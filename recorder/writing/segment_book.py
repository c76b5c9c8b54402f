"""The list of a recording's sealed segments, packed: a hearing makes 1200 an hour, and a court runs for days.

A row of 112 bytes instead of an object of 450: eight hours of one recording are 1 MB, not 4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final, overload

from recorder.account.manifest import SealedSegment
from recorder.folder import JOURNAL_FOLDER, SEALED_SUFFIX

# number, run, records, packets · size, valid bytes, first and last time · both digests
_ROW: Final = struct.Struct("<IIIIQQqq32s32s")
_ROWS_AT_ONCE: Final = 64  # room for new ones is made by so many: little is copied, little lies idle


class SegmentBook(Sequence[SealedSegment]):
    """Behaves as a list of `SealedSegment` that only grows, except for `rename`."""

    def __init__(self) -> None:
        self._rows = bytearray()
        self._count = 0
        self._names: dict[int, str] = {}  # by place; only of those that are not called as sealed ones are

    def append(self, segment: SealedSegment) -> None:
        """The next one. ValueError when a digest is no SHA-256 in hexadecimal digits, or empty where allowed."""
        at = self._count * _ROW.size
        if at == len(self._rows):
            self._rows += bytes(_ROW.size * _ROWS_AT_ONCE)
        _ROW.pack_into(
            self._rows,
            at,
            segment.number,
            segment.run,
            segment.records,
            segment.packets,
            segment.size_bytes,
            segment.valid_bytes,
            segment.first_ns,
            segment.last_ns,
            _digest(segment.sha256),
            _digest(segment.previous_sha256),
        )
        if segment.name != _usual_name(segment.number):
            self._names[self._count] = segment.name
        self._count += 1

    def rename(self, old: str, name: str, size_bytes: int) -> None:
        """A segment has another name and size now."""
        for place, segment in enumerate(self):
            if segment.name != old:
                continue
            _ROW.pack_into(
                self._rows, place * _ROW.size, *self._row(place)[:4], size_bytes, *self._row(place)[5:]
            )
            if name == _usual_name(segment.number):
                self._names.pop(place, None)
            else:
                self._names[place] = name

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[SealedSegment]:
        return (self._segment(place) for place in range(self._count))

    @overload
    def __getitem__(self, place: int) -> SealedSegment: ...
    @overload
    def __getitem__(self, place: slice) -> list[SealedSegment]: ...
    def __getitem__(self, place: int | slice) -> SealedSegment | list[SealedSegment]:
        places = range(self._count)[place]
        if isinstance(places, int):
            return self._segment(places)
        return [self._segment(each) for each in places]

    def _row(self, place: int) -> tuple[int | bytes, ...]:
        return _ROW.unpack_from(self._rows, place * _ROW.size)

    def _segment(self, place: int) -> SealedSegment:
        number, run, records, packets, size_bytes, valid_bytes, first_ns, last_ns, digest, before = (
            _ROW.unpack_from(self._rows, place * _ROW.size)
        )
        return SealedSegment(
            number=number,
            name=self._names.get(place) or _usual_name(number),
            run=run,
            size_bytes=size_bytes,
            valid_bytes=valid_bytes,
            sha256=_hex(digest),
            previous_sha256=_hex(before),
            first_ns=first_ns,
            last_ns=last_ns,
            records=records,
            packets=packets,
        )


_NONE: Final = bytes(32)  # stands for "no digest": the first segment has nothing before it


def _digest(hexadecimal: str) -> bytes:
    digest = bytes.fromhex(hexadecimal) or _NONE
    if len(digest) != 32:
        raise ValueError("not a SHA-256")
    return digest


def _hex(digest: bytes) -> str:
    return "" if digest == _NONE else digest.hex()


def _usual_name(number: int) -> str:
    return f"{JOURNAL_FOLDER}/{number:08d}{SEALED_SUFFIX}"
