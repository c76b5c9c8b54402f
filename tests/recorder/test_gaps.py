"""The gap ledger: recorded + gaps = duration for every track, and the cause is the one that was played."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.account.cause_spans import CauseSpan, paint
from recorder.account.gaps import TrackLedger
from recorder.account.manifest import Gap, GapCause
from tests.recorder.packets import AUDIO_STEP, MS, VIDEO_STEP, camera, microphone, rtp

SECOND = 1000 * MS


class Player:
    """Plays one sender's packets into a ledger: 20 ms of sound or 40 ms of picture at a time."""

    def __init__(self, *, video: bool = False) -> None:
        self.ledger = TrackLedger(camera() if video else microphone(), 0)
        self.now_ns = 0
        self.step_ns = (40 if video else 20) * MS
        self.ticks = VIDEO_STEP if video else AUDIO_STEP
        self.sequence = 65500  # soon wraps
        self.timestamp = 2**32 - 5 * AUDIO_STEP

    def send(self, count: int, *, arrive: bool = True, delay_ns: int = 0) -> None:
        """The sender sends `count` packets; they arrive after `delay_ns`, or not at all."""
        for _ in range(count):
            if arrive:
                self.ledger.packet(self.now_ns + delay_ns, rtp(self.sequence, self.timestamp))
            self.sequence += 1
            self.timestamp += self.ticks
            self.now_ns += self.step_ns

    def wait(self, wait_ns: int, *, clock_runs: bool) -> None:
        """The sender sends nothing; its RTP clock goes on or stands."""
        self.now_ns += wait_ns
        if clock_runs:
            self.timestamp += self.ticks * wait_ns // self.step_ns

    def gaps(self, *layers: list[CauseSpan], ended_ns: int | None = None, cause: str = "left") -> list[Gap]:
        """The ledger at the end of the play; one that was closed says the same and holds no packet's number."""
        end_ns = self.now_ns if ended_ns is None else ended_ns
        found = self.ledger.gaps(1, end_ns, cause, self.now_ns, list(layers))
        closed = copy.deepcopy(self.ledger)
        closed.end(end_ns)
        assert closed.gaps(1, end_ns, cause, self.now_ns, list(layers)) == found
        assert not closed._missing
        return found


def _causes(gaps: list[Gap]) -> list[tuple[str, float]]:
    return [(gap.cause.value, round((gap.until_ns - gap.from_ns) / SECOND, 2)) for gap in gaps]


def _about(expected: list[tuple[str, float]]) -> list[tuple[str, object]]:
    """The promise of the ledger: bounds within 50 ms."""
    return [(cause, pytest.approx(length_s, abs=0.05)) for cause, length_s in expected]


def test_ledger__when_everything_arrives__then_there_is_no_gap() -> None:
    player = Player()
    player.send(500)
    assert player.gaps() == []
    assert player.ledger.lost_packets == 0


def test_ledger__when_the_network_loses_two_seconds__then_it_is_named_and_bounded() -> None:
    player = Player()
    player.send(100)
    player.send(100, arrive=False)
    player.send(100)
    gaps = player.gaps()
    assert _causes(gaps) == [("network", 2.0)]
    assert abs(gaps[0].from_ns - 2 * SECOND) <= 50 * MS
    assert abs(gaps[0].until_ns - 4 * SECOND) <= 50 * MS
    assert player.ledger.lost_packets == 100


def test_ledger__when_single_packets_are_lost__then_they_are_counted_and_not_listed() -> None:
    player = Player()
    for _ in range(50):
        player.send(9)
        player.send(1, arrive=False)
    player.send(1)
    assert player.gaps() == []
    assert player.ledger.lost_packets == 50


def test_ledger__when_five_packets_in_a_row_are_lost__then_the_tenth_of_a_second_is_listed() -> None:
    player = Player()
    player.send(50)
    player.send(5, arrive=False)
    player.send(50)
    assert _causes(player.gaps()) == [("network", 0.1)]


def test_ledger__when_retransmissions_fill_the_hole__then_the_gap_shrinks_or_goes() -> None:
    for refilled, expected in ((50, []), (20, [("network", 0.6)])):
        player = Player()
        player.send(50)
        hole = (player.sequence, player.timestamp)
        player.send(50, arrive=False)
        player.send(1)
        for back in range(50 - refilled, 50):
            player.ledger.packet(player.now_ns, rtp(hole[0] + back, hole[1] + back * AUDIO_STEP))
        player.send(50)
        assert _causes(player.gaps()) == expected
        assert player.ledger.lost_packets == 50 - refilled


def test_ledger__when_packets_are_only_late__then_there_is_no_gap() -> None:
    player = Player()
    player.send(50)
    for left_ns in range(600 * MS, 0, -20 * MS):  # 30 packets queue for 600 ms and come in one burst
        player.send(1, delay_ns=left_ns)
    player.send(100)
    assert player.gaps() == []


def test_ledger__when_the_sender_stalls_behind_continuous_rtp_time__then_the_lost_wall_time_is_found() -> (
    None
):
    """The capture froze for 18 s; sequence and RTP time look perfect, only the wall clock knows."""
    player = Player()
    player.send(100)
    player.wait(18 * SECOND, clock_runs=False)
    player.send(200)
    gaps = player.gaps()
    assert _causes(gaps) == [("sender_stall", 18.0)]
    assert abs(gaps[0].from_ns - 2 * SECOND) <= 50 * MS


def test_ledger__when_the_stall_is_near_the_end__then_it_is_found_all_the_same() -> None:
    player = Player()
    player.send(100)
    player.wait(2 * SECOND, clock_runs=False)
    player.send(10)
    assert _causes(player.gaps()) == [("sender_stall", 2.0)]


def test_ledger__when_opus_is_silent__then_discontinuous_transmission_is_no_gap() -> None:
    player = Player()
    player.send(50)
    for _ in range(30):
        player.send(1)
        player.wait(380 * MS, clock_runs=True)
    player.send(50)
    assert player.gaps() == []


@pytest.mark.parametrize(
    ("event", "end", "cause"),
    [
        ("muted", "unmuted", "mute"),
        ("held", "released", "hold"),
        ("transport_lost", "resumed", "network"),
        ("device_lost", "device_back", "device"),
        ("not_wanted", "wanted", "not_wanted"),
        ("silent", "resumed", "sender_stall"),
    ],
)
@pytest.mark.parametrize("video", [False, True])
def test_ledger__when_an_event_explains_the_hole__then_it_gives_the_cause(
    event: str, end: str, cause: str, video: bool
) -> None:
    player = Player(video=video)
    player.send(50)
    player.ledger.event(event, player.now_ns)
    player.wait(4 * SECOND, clock_runs=True)
    player.ledger.event(end, player.now_ns)
    player.send(50)
    assert _causes(player.gaps()) == _about([(cause, 4.0)])


def test_ledger__when_a_layer_rests_and_its_line_breaks__then_the_network_explains_its_part() -> None:
    player = Player(video=True)
    player.send(50)
    player.ledger.event("not_wanted", player.now_ns)
    player.wait(2 * SECOND, clock_runs=True)
    player.ledger.event("transport_lost", player.now_ns)
    player.wait(2 * SECOND, clock_runs=True)
    player.ledger.event("wanted", player.now_ns)
    player.send(50)
    assert _causes(player.gaps()) == _about([("not_wanted", 2.0), ("network", 2.0)])


def test_ledger__when_a_sender_does_not_rest_though_told__then_what_it_sent_is_recorded_and_no_gap() -> None:
    player = Player(video=True)
    player.send(50)
    player.ledger.event("not_wanted", player.now_ns)
    player.send(100)
    player.ledger.event("wanted", player.now_ns)
    assert player.gaps() == []


def test_ledger__when_a_muted_microphone_still_sends__then_the_sound_is_recorded_and_no_gap() -> None:
    player = Player()
    player.send(50)
    player.ledger.event("muted", player.now_ns)
    player.send(100)
    player.ledger.event("unmuted", player.now_ns)
    player.send(50)
    assert player.gaps() == []


def test_ledger__when_the_court_pauses_in_a_mute__then_the_stronger_cause_covers_its_part() -> None:
    player = Player()
    player.send(50)
    player.ledger.event("muted", player.now_ns)
    player.wait(3 * SECOND, clock_runs=True)
    player.ledger.event("unmuted", player.now_ns)
    player.send(50)
    pause = [CauseSpan(2 * SECOND, 3 * SECOND, GapCause.RECESS, "recess")]
    assert _causes(player.gaps(pause)) == _about([("mute", 1.0), ("recess", 1.0), ("mute", 1.0)])


def test_ledger__when_the_track_ends_before_the_recording__then_the_rest_is_absent() -> None:
    player = Player()
    player.send(100)
    assert _causes(player.gaps(ended_ns=SECOND, cause="left")) == [("absent", 1.0)]


def test_ledger__when_no_packet_ever_comes__then_the_whole_life_is_a_gap() -> None:
    player = Player()
    player.wait(3 * SECOND, clock_runs=True)
    assert _causes(player.gaps(cause="device_lost")) == [("device", 3.0)]


def test_ledger__when_the_stream_restarts_with_other_numbers__then_nothing_is_invented() -> None:
    player = Player()
    player.send(50)
    player.sequence += 20000
    player.timestamp += 2**30
    player.send(50)
    player.sequence -= 9000
    player.timestamp -= 2**29
    player.send(50)
    assert [gap for gap in player.gaps() if gap.until_ns - gap.from_ns > 100 * MS] == []


def test_ledger__when_packets_are_garbage__then_nothing_is_raised() -> None:
    player = Player()
    chance = random.Random(7)
    for _ in range(5000):
        player.ledger.packet(player.now_ns, chance.randbytes(chance.randrange(40)))
        player.now_ns += chance.randrange(3000) * MS
    _check_sum(player.gaps(), player.now_ns)


def _check_sum(gaps: list[Gap], duration_ns: int) -> None:
    assert all(0 <= gap.from_ns < gap.until_ns <= duration_ns for gap in gaps)
    assert all(before.until_ns <= after.from_ns for before, after in pairwise(gaps))


STEPS: list[Callable[[Player, int], None]] = [
    lambda player, size: player.send(size),
    lambda player, size: player.send(size, arrive=False),
    lambda player, size: player.send(size, delay_ns=size * MS),
    lambda player, size: player.wait(size * 10 * MS, clock_runs=True),
    lambda player, size: player.wait(size * 10 * MS, clock_runs=False),
    lambda player, size: player.ledger.event("muted", player.now_ns),
    lambda player, size: player.ledger.event("unmuted", player.now_ns),
    lambda player, size: player.ledger.event("transport_lost", player.now_ns),
    lambda player, size: player.ledger.event("held", player.now_ns),
    lambda player, size: player.ledger.event("released", player.now_ns),
]


@given(st.lists(st.tuples(st.integers(0, len(STEPS) - 1), st.integers(1, 200)), max_size=12), st.booleans())
def test_ledger__when_anything_happens__then_gaps_are_disjoint_and_inside_the_recording(
    play: list[tuple[int, int]], video: bool
) -> None:
    player = Player(video=video)
    for step, size in play:
        STEPS[step](player, size)
    first = player.gaps([CauseSpan(SECOND, 2 * SECOND, GapCause.CRASH)])
    _check_sum(first, player.now_ns)
    assert player.gaps([CauseSpan(SECOND, 2 * SECOND, GapCause.CRASH)]) == first  # asking changes nothing


def test_ledger__when_holes_are_seeded__then_the_sum_of_gaps_is_what_was_taken_away() -> None:
    """An independent count: the seconds that the player kept back against the seconds in the ledger."""
    chance = random.Random(11)
    for _ in range(40):
        player, taken_ns = Player(), 0
        player.send(chance.randrange(20, 200))
        for _ in range(chance.randrange(1, 6)):
            size = chance.randrange(10, 150)
            kind = chance.randrange(3)
            if kind == 0:
                player.send(size, arrive=False)
            else:
                size = max(size, 30)
                player.wait(size * player.step_ns, clock_runs=kind == 1)
            taken_ns += size * player.step_ns
            player.send(chance.randrange(80, 200))
        found_ns = sum(gap.until_ns - gap.from_ns for gap in player.gaps())
        assert abs(found_ns - taken_ns) <= 6 * 50 * MS


def test_paint__when_a_firm_span_is_a_sliver__then_it_stays() -> None:
    crash = CauseSpan(100, 200, GapCause.CRASH)
    hole = CauseSpan(0, SECOND, GapCause.NETWORK)
    first, second = paint([[crash]], [[hole]], SECOND)
    assert (first.cause, second.cause) == (GapCause.CRASH, GapCause.NETWORK)
    assert first.from_ns <= 100
    assert first.until_ns == second.from_ns == 200
