"""When what a sealed piece holds is an alarm: the piece against what the room knew of the same seconds.

Pure. The room says who speaks and whose devices are on; the piece says what the record has. An alarm needs two pieces
in a row (they are three seconds long), so that a word's pause or a camera that wakes up is none, and ends with the
first piece that is well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hearing_server.domain.recording.failures import FailureKind
from hearing_server.kernel import PersonId

# Room noise through any microphone lies above; what a dead capture device delivers is zeros, or comfort noise.
SILENT_DBFS = -60.0
PIECES_IN_A_ROW = 2
# The room's figures of so many seconds are kept: pieces are seen at most 15 s after their first packet.
KEPT_S = 45
# Within this of a piece's edge a device may have been switched, a speaker may have changed.
EDGE_S = 0.5
FEWEST_LOOKS = 2
# Undecodable packets beyond this share are no network's fault.
BROKEN_SHARE = 0.5

Line = tuple[PersonId, str]


@dataclass(frozen=True, slots=True)
class RoomLook:
    """The room at one moment. `on`: (person, source) of devices that are on and may be heard or seen.

    `is_recorded`: the recording runs, is not paused and the room not held.
    """

    at: datetime
    speaker: PersonId | None
    on: frozenset[Line]
    is_recorded: bool


@dataclass(frozen=True, slots=True)
class LineSeen:
    """One line of a piece. `peak_dbfs` None: not decoded."""

    person_id: PersonId
    source: str
    packets: int
    peak_dbfs: float | None
    broken: int
    is_still: bool


@dataclass(frozen=True, slots=True)
class PieceSeen:
    """A sealed piece as the child found it."""

    number: int
    begins: datetime
    ends: datetime
    lines: tuple[LineSeen, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong with a line since `since` (`is_over`: or well again, from then on)."""

    kind: FailureKind
    line: Line
    since: datetime
    is_over: bool = False


@dataclass(slots=True)
class _Doubt:
    since: datetime
    pieces: int = 0
    is_told: bool = False


@dataclass(slots=True)
class ContentRules:
    """One hearing's rules. Give it a look a second, and pieces in order."""

    _looks: deque[RoomLook] = field(default_factory=lambda: deque(maxlen=KEPT_S))
    _doubts: dict[tuple[FailureKind, Line], _Doubt] = field(default_factory=dict)

    def look(self, look: RoomLook) -> None:
        """The room now."""
        self._looks.append(look)

    def speakers(self) -> frozenset[PersonId]:
        """Who spoke within what is remembered: whose sound is worth decoding."""
        return frozenset(look.speaker for look in self._looks if look.speaker is not None)

    def piece(self, piece: PieceSeen) -> tuple[Finding, ...]:
        """What begins and what ends with this piece. Nothing where the room was not seen all the while."""
        looks = [look for look in self._looks if piece.begins - _EDGE <= look.at <= piece.ends + _EDGE]
        if len(looks) < FEWEST_LOOKS or not all(look.is_recorded for look in looks):
            return ()
        on = frozenset.intersection(*(look.on for look in looks))
        speakers = {look.speaker for look in looks}
        speaker = speakers.pop() if len(speakers) == 1 else None
        seen = {(line.person_id, line.source): line for line in piece.lines}
        wrong = {(kind, line) for line in on for kind in _faults(line, seen.get(line), speaker)}
        return tuple(self._settle(wrong, on, piece, speaker))

    def _settle(
        self,
        wrong: set[tuple[FailureKind, Line]],
        on: frozenset[Line],
        piece: PieceSeen,
        speaker: PersonId | None,
    ) -> Iterator[Finding]:
        for doubt_of in wrong:
            doubt = self._doubts.setdefault(doubt_of, _Doubt(piece.begins))
            doubt.pieces += 1
            if doubt.pieces >= PIECES_IN_A_ROW and not doubt.is_told:
                doubt.is_told = True
                yield Finding(*doubt_of, since=doubt.since)
        for doubt_of in self._doubts.keys() - wrong:
            kind, line = doubt_of
            # Silence ends with a sound; while somebody else speaks nobody knows.
            if kind is FailureKind.SILENT and line in on and speaker != line[0]:
                continue
            doubt = self._doubts.pop(doubt_of)
            if doubt.is_told:
                yield Finding(kind, line, since=piece.begins, is_over=True)

    def all_over(self, at: datetime) -> tuple[Finding, ...]:
        """The recording ends: so does what was wrong with it."""
        told = [doubt_of for doubt_of, doubt in self._doubts.items() if doubt.is_told]
        self._doubts.clear()
        return tuple(Finding(*doubt_of, since=at, is_over=True) for doubt_of in told)


_EDGE = timedelta(seconds=EDGE_S)


def _faults(line: Line, seen: LineSeen | None, speaker: PersonId | None) -> Iterator[FailureKind]:
    if seen is None or seen.packets == 0:
        yield FailureKind.MISSING
        return
    if seen.source == "microphone":
        is_heard = seen.peak_dbfs is not None
        if is_heard and seen.broken > seen.packets * BROKEN_SHARE:
            yield FailureKind.UNDECODABLE
        elif speaker == seen.person_id and seen.peak_dbfs is not None and seen.peak_dbfs < SILENT_DBFS:
            yield FailureKind.SILENT
    elif seen.source == "camera" and seen.is_still:
        # A shared page may stand still for an hour.
        yield FailureKind.FROZEN


def looks_on(devices: Mapping[PersonId, Mapping[str, str]], muted: frozenset[Line]) -> frozenset[Line]:
    """Lines that the room passes on now: devices that are on and that nobody muted."""
    return frozenset(
        (person, source)
        for person, own in devices.items()
        for source, state in own.items()
        if state == "on" and (person, source) not in muted
    )
