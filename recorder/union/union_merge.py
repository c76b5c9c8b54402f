"""Two journals of one recording read as one: every record of either, once, in the order of arrival.

The same record has the same kind, track, `at_ns` and payload in both. Track numbers are each journal's own; what binds
them is the track's id while it lives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path

from google_crc32c import value as crc32c_value

from recorder.account.inventory import SegmentHeader
from recorder.journal import Damage, Record, RecordKind, scan
from recorder.reading.recording import readable_segments
from recorder.union.union_clock import UnionClock

# How far apart the two may say the same. What one of them was told late keeps its moment and its place in the order.
_SAME_WITHIN_NS = 10_000_000_000
# A recorder's own words: they say that it writes, and nothing of the hearing.
_OWN = frozenset({RecordKind.SEGMENT, RecordKind.HEARTBEAT, RecordKind.SEAL})
# Said at a moment of the recorder's own: what it was told late stands behind them in its file.
_UNPLACED = _OWN | {RecordKind.ANCHOR, RecordKind.GAP}


@dataclass(frozen=True, slots=True)
class Told:
    """A record on the union's clock, from the journal `side`. `run`: place in the union's runs."""

    at_ns: int
    side: int
    run: int
    record: Record


@dataclass(slots=True)
class _Tracks:
    """Union track numbers: a track of either journal is the living one of the same id, or a new one."""

    numbers: tuple[dict[int, int], ...]
    live: dict[str, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    count: int = 0

    def start(self, side: int, track: int, track_id: str) -> int:
        number = self.live.get(track_id)
        if number is None:
            self.count += 1
            number = self.live[track_id] = self.count
        self.numbers[side][track] = number
        return number

    def end(self, number: int) -> None:
        self.ended.add(number)
        self.live = {track_id: live for track_id, live in self.live.items() if live != number}


class Merge:
    """One pass over both.

    `damage`: what cannot be read, by side, as (segment, from_ns, until_ns, Damage); complete when the pass is.
    """

    def __init__(self, folders: tuple[Path, ...], clock: UnionClock) -> None:
        self._folders = folders
        self._clock = clock
        self._tracks = _Tracks(tuple({} for _ in folders))
        self._run = -1
        self._seen: dict[tuple[int, int, int, int], None] = {}
        self._order: deque[tuple[int, tuple[int, int, int, int]]] = deque()
        self.damage: list[list[tuple[str, int, int, Damage]]] = [[] for _ in folders]

    def records(self) -> Iterator[Told]:
        """Track numbers and moments are the union's; the times inside GAP records are still their journal's own.

        Records of tracks whose beginning cannot be read are passed over.
        """
        sides = [self._side(side) for side in range(len(self._folders))]
        for place_ns, told in merge(*sides, key=lambda told: (told[0], told[1].side)):
            found = self._take(told, place_ns)
            if found is not None:
                yield found

    def _take(self, told: Told, place_ns: int) -> Told | None:
        record = told.record
        if told.run > self._run:
            self._run = told.run
            self._tracks.live.clear()  # nobody wrote for a while: what lives now began anew
        number = self._number(told) if record.track else 0
        if number is None:
            return None
        key = (record.kind, number, told.at_ns, crc32c_value(record.payload))
        if record.kind != RecordKind.GAP and self._is_repeat(key, place_ns):
            return None
        if record.kind == RecordKind.TRACK_END:
            if number in self._tracks.ended:
                return None  # the room let the two go one after the other
            self._tracks.end(number)
        return Told(told.at_ns, told.side, told.run, record._replace(track=number))

    def _number(self, told: Told) -> int | None:
        """The union's number; None for what says nothing new."""
        record, known = told.record, self._tracks.numbers[told.side].get(told.record.track)
        if record.kind != RecordKind.TRACK:
            return known
        if known is not None:
            return None
        # One that is repeated at the head of a segment counts where the first cannot be read.
        return self._tracks.start(told.side, record.track, record.json()["track_id"])

    def _is_repeat(self, key: tuple[int, int, int, int], place_ns: int) -> bool:
        """What is remembered ages by its place: a clock's anchor, written behind a standstill, is placed before it."""
        if key in self._seen:
            return True
        self._seen[key] = None
        self._order.append((place_ns, key))
        while self._order and self._order[0][0] < place_ns - _SAME_WITHIN_NS:
            del self._seen[self._order.popleft()[1]]
        return False

    def _side(self, side: int) -> Iterator[tuple[int, Told]]:
        """(place in the order, record): moments as they were told, never back, whatever stands late in the file."""
        place_ns = 0
        for file, data in readable_segments(self._folders[side]):
            items = scan(data)
            try:
                first = next(items)
                if not isinstance(first, Record):
                    raise ValueError("damaged")
                header = SegmentHeader.from_record(first)
            except (StopIteration, ValueError):
                self.damage[side].append((file.name, place_ns, place_ns, Damage(0, len(data), at_tail=True)))
                continue
            run = self._clock.of_run[side][header.run.run]
            shift_ns = self._clock.shift_ns[side][header.run.run]
            broken: tuple[int, Damage] | None = None
            for item in items:
                if isinstance(item, Damage):
                    broken = broken or (place_ns, item)
                    continue
                if item.repeated and item.kind != RecordKind.TRACK:
                    continue
                at_ns = item.at_ns + shift_ns
                if not item.repeated and item.kind not in _UNPLACED:
                    place_ns = max(place_ns, at_ns)
                if broken is not None and not item.repeated:
                    self.damage[side].append((file.name, broken[0], max(at_ns, broken[0]), broken[1]))
                    broken = None
                if item.kind not in _OWN:
                    yield place_ns, Told(at_ns, side, run, item)
            if broken is not None:
                self.damage[side].append((file.name, broken[0], place_ns, broken[1]))
