"""When what is recorded is an alarm: against what the room knew of the same seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hearing_server.domain.recording.content_rules import (
    ContentRules,
    Finding,
    Line,
    LineSeen,
    PieceSeen,
    RoomLook,
)
from hearing_server.domain.recording.failures import FailureKind
from hearing_server.kernel import PersonId

START = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
WANG, LI = PersonId("per_wang"), PersonId("per_li")
VOICE, FACE, PAGE = (WANG, "microphone"), (WANG, "camera"), (WANG, "screen")
ALL = frozenset({VOICE, FACE, (LI, "microphone")})


def seen(line: Line = VOICE, **changes: object) -> LineSeen:
    values: dict[str, object] = {"packets": 150, "peak_dbfs": -20.0, "broken": 0, "is_still": False}
    return LineSeen(*line, **(values | changes))  # type: ignore[arg-type]


WELL = (seen(), seen(FACE, peak_dbfs=None), seen((LI, "microphone"), peak_dbfs=None))


class Hearing:
    """Pieces of three seconds, one after the other, with a look at the room in each second."""

    def __init__(self) -> None:
        self.rules = ContentRules()
        self.second = 0

    def piece(
        self,
        *lines: LineSeen,
        speaker: PersonId | None = WANG,
        on: frozenset[Line] = ALL,
        is_recorded: bool = True,
        looks: int = 3,
    ) -> list[Finding]:
        """The room for three seconds, then the piece of them."""
        begins = START + timedelta(seconds=self.second)
        for _ in range(looks):
            self.rules.look(RoomLook(START + timedelta(seconds=self.second), speaker, on, is_recorded))
            self.second += 1
        self.second += 3 - looks
        return list(self.rules.piece(PieceSeen(1, begins, begins + timedelta(seconds=3), lines or WELL)))


def kinds(found: list[Finding]) -> list[tuple[FailureKind, Line, bool]]:
    return [(one.kind, one.line, one.is_over) for one in found]


def test_rules__while_all_is_well__find_nothing() -> None:
    hearing = Hearing()
    assert [hearing.piece() for _ in range(20)] == [[]] * 20


def test_silence__of_who_speaks__is_found_with_the_second_piece_and_ends_with_a_sound() -> None:
    hearing = Hearing()
    dead = (seen(peak_dbfs=-120.0), *WELL[1:])
    assert hearing.piece(*dead) == []
    (found,) = hearing.piece(*dead)
    assert (found.kind, found.line, found.since) == (FailureKind.SILENT, VOICE, START)
    assert hearing.piece(*dead) == []  # said once
    (over,) = hearing.piece()
    assert (over.kind, over.is_over) == (FailureKind.SILENT, True)


def test_silence__while_somebody_else_speaks__neither_begins_nor_ends() -> None:
    hearing = Hearing()
    dead = (seen(peak_dbfs=-120.0), *WELL[1:])
    for _ in range(3):
        assert hearing.piece(*dead, speaker=LI) == []
    hearing.piece(*dead)
    assert kinds(hearing.piece(*dead)) == [(FailureKind.SILENT, VOICE, False)]
    assert hearing.piece(*dead, speaker=LI) == []
    assert hearing.piece(*dead) == []  # still the same silence


@pytest.mark.parametrize("peak_dbfs", [-59.0, -30.0, None])
def test_sound__above_the_floor_or_unheard__is_no_silence(peak_dbfs: float | None) -> None:
    hearing = Hearing()
    for _ in range(4):
        assert hearing.piece(seen(peak_dbfs=peak_dbfs), *WELL[1:]) == []


def test_line__that_is_on_and_not_there__is_missing_until_it_comes() -> None:
    hearing = Hearing()
    assert hearing.piece(*WELL[:1], *WELL[2:]) == []
    assert kinds(hearing.piece(seen(FACE, packets=0), *WELL[:1], *WELL[2:])) == [
        (FailureKind.MISSING, FACE, False)
    ]
    assert kinds(hearing.piece()) == [(FailureKind.MISSING, FACE, True)]


def test_line__that_was_switched_off__is_not_missed() -> None:
    hearing = Hearing()
    hearing.piece(*WELL[:1], *WELL[2:])
    off = ALL - {FACE}
    for _ in range(3):
        assert hearing.piece(*WELL[:1], *WELL[2:], on=off) == []


def test_camera__that_stands_still__is_frozen_and_a_shared_page_is_not() -> None:
    hearing = Hearing()
    lines = (
        *WELL[:1],
        seen(FACE, peak_dbfs=None, is_still=True),
        WELL[2],
        seen(PAGE, peak_dbfs=None, is_still=True),
    )
    hearing.piece(*lines, on=ALL | {PAGE})
    assert kinds(hearing.piece(*lines, on=ALL | {PAGE})) == [(FailureKind.FROZEN, FACE, False)]


def test_sound__that_no_decoder_takes__is_said() -> None:
    hearing = Hearing()
    broken = (seen(packets=100, broken=80, peak_dbfs=-120.0), *WELL[1:])
    hearing.piece(*broken, speaker=LI)
    assert kinds(hearing.piece(*broken, speaker=LI)) == [(FailureKind.UNDECODABLE, VOICE, False)]


@pytest.mark.parametrize("changes", [{"is_recorded": False}, {"looks": 1}])
def test_piece__of_a_pause_or_of_seconds_nobody_saw__is_not_judged(changes: dict[str, object]) -> None:
    hearing = Hearing()
    for _ in range(4):
        assert hearing.piece(seen(packets=0), **changes) == []  # type: ignore[arg-type]


def test_rules__when_the_recording_ends__end_what_they_had_told() -> None:
    hearing = Hearing()
    hearing.piece(seen(peak_dbfs=-120.0), *WELL[1:])
    assert hearing.rules.all_over(START) == ()
    hearing.piece(seen(peak_dbfs=-120.0), *WELL[1:])
    hearing.piece(seen(peak_dbfs=-120.0), *WELL[1:])
    assert [one.kind for one in hearing.rules.all_over(START)] == [FailureKind.SILENT]


def test_speakers__remembered__are_those_worth_decoding() -> None:
    hearing = Hearing()
    hearing.piece(speaker=LI)
    hearing.piece(speaker=WANG)
    assert hearing.rules.speakers() == {LI, WANG}
