"""Second copies of base pictures: only where a line loses much, has room and holds nothing back."""

import pytest

from signaling.rtp.send_history import SendHistory
from signaling.watching.early_copies import SHARE, EarlyCopies
from signaling.watching.line_estimate import LineEstimate
from tests.unit.signaling.lossy_lines import PACKET_BYTES, Leg, send_steadily, slot_with


def line_that_loses(one_in: int) -> LineEstimate:
    estimate = LineEstimate(start_bps=2e6)
    send_steadily(
        lambda message, past, now_ms: estimate.feedback(message, past, now_ms, 50.0),
        SendHistory(),
        lambda number: number % one_in == 1,
    )
    return estimate


def copied_on(estimate: LineEstimate, *, media_bps: float = 500e3, packets: int = 10) -> list[int]:
    copies, leg = EarlyCopies(estimate, 1.0), Leg()
    copies.begin(media_bps)
    slots = [slot_with(leg)]
    copies.tick(slots, 4000.0)
    leg.newest += packets
    copies.tick(slots, 4020.0)
    return leg.copied


def test_copies__line_loses_a_tenth_and_has_room__each_base_packet_leaves_again() -> None:
    assert copied_on(line_that_loses(10)) == list(range(1, 11))


@pytest.mark.parametrize("one_in", [50, 2], ids=["repeats suffice", "a policer"])
def test_copies__line_loses_little_or_very_much__nothing_leaves_again(one_in: int) -> None:
    assert copied_on(line_that_loses(one_in)) == []


def test_copies__nothing_known_of_the_line__nothing_leaves_again() -> None:
    assert copied_on(LineEstimate(start_bps=2e6)) == []


def test_copies__line_is_full__nothing_leaves_again() -> None:
    estimate = line_that_loses(10)
    assert copied_on(estimate, media_bps=estimate.limit_bps) == []


def test_copies__little_room__half_of_it_stays_for_repeats() -> None:
    estimate = line_that_loses(10)
    free_bps = 100 * PACKET_BYTES * 8
    copied = copied_on(estimate, media_bps=estimate.limit_bps - free_bps, packets=1000)
    assert len(copied) == pytest.approx(SHARE * 100, abs=1)


def test_copies__room_of_the_next_interval__is_new() -> None:
    copies, leg = EarlyCopies(line_that_loses(10), 1.0), Leg()
    slots = [slot_with(leg)]
    copies.begin(500e3)
    copies.tick(slots, 4000.0)
    leg.newest += 10
    copies.tick(slots, 4020.0)
    assert copies.sent_bytes == 10 * PACKET_BYTES
    copies.begin(500e3)
    assert copies.sent_bytes == 0


def test_copies__loss_ends_and_begins_again__what_left_meanwhile_is_not_copied() -> None:
    lossy, clean = line_that_loses(10), line_that_loses(50)
    leg = Leg()
    slots = [slot_with(leg)]
    for estimate, newest in ((lossy, 0), (clean, 50), (lossy, 60), (lossy, 63)):
        copies = EarlyCopies(estimate, 1.0)
        copies.begin(500e3)
        leg.newest = newest
        copies.tick(slots, 4000.0)
    assert leg.copied == [61, 62, 63]
