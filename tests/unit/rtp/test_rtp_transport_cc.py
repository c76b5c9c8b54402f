"""Transport-wide feedback: what was written reads back, whatever was lost, reordered or wrapped."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.arrivals import MAX_JUMP, MAX_WAITING, ArrivalLog, FeedbackWriter, NumberReader
from signaling.rtp.rtcp import split_compound
from signaling.rtp.transport_cc import (
    LOST,
    MAX_BUILT_STATUSES,
    MAX_STATUSES,
    TransportFeedback,
    build_feedback,
    parse_feedback,
)

TICK_NS = 250_000


def parsed(message: bytes) -> TransportFeedback:
    """Read one RTCP packet back through the compound splitter."""
    [(kind, fmt, body)] = split_compound(message)
    assert (kind, fmt) == (205, 15)
    assert len(message) % 4 == 0
    found = parse_feedback(body)
    assert found is not None
    return found


def told(messages: list[bytes]) -> dict[int, int | None]:
    """16-bit number -> absolute tick (None: lost), as a sender would gather it."""
    gathered: dict[int, int | None] = {}
    for message in messages:
        found = parsed(message)
        for offset, arrival in enumerate(found.arrivals):
            gathered[(found.base + offset) & 0xFFFF] = (
                None if arrival == LOST else found.reference * 256 + arrival
            )
    return gathered


def test_parse__message_of_the_draft__is_read_field_by_field() -> None:
    # Three received 1 ms apart, two lost, one 100 ms later; built by hand from the draft's pictures.
    body = bytes.fromhex("00000001 00000002 fffe 0006 000003 07".replace(" ", ""))
    chunk = (0xC000 | 1 << 12 | 1 << 10 | 1 << 8 | 0 << 6 | 0 << 4 | 2 << 2).to_bytes(2, "big")
    body += chunk + bytes([4, 4, 4]) + (400).to_bytes(2, "big")
    assert parse_feedback(body) == TransportFeedback(1, 2, 0xFFFE, 7, 3, (4, 8, 12, LOST, LOST, 412))


def test_parse__reference_time_before_the_epoch__is_signed() -> None:
    message, _ = build_feedback(1, 2, 5, 5, {5: -300}, 0)
    found = parsed(message)
    assert found.reference == -2
    assert found.reference * 256 + found.arrivals[0] == -300


@given(
    st.lists(st.tuples(st.booleans(), st.integers(-200, 700)), min_size=1, max_size=600),
    st.integers(0, 1 << 40),
    st.integers(0, 0x2FFFF),
)
def test_build__any_arrivals__read_back_exactly(
    pattern: list[tuple[bool, int]], start_tick: int, first: int
) -> None:
    ticks, tick = {}, start_tick
    for offset, (arrived, step) in enumerate(pattern):
        tick += step
        if arrived or offset == len(pattern) - 1:
            ticks[first + offset] = max(0, tick)
    messages, at = [], first
    last = first + len(pattern) - 1
    while at <= last:
        message, at = build_feedback(7, 9, at, last, ticks, 3)
        assert len(message) < 1200
        messages.append(message)
    expected = {(first + n) & 0xFFFF: ticks.get(first + n) for n in range(len(pattern))}
    turn = 256 << 24
    found = told(messages)
    assert found.keys() == expected.keys()
    for number, value in expected.items():
        seen = found[number]
        assert (seen is None) == (value is None)
        assert seen is None or value is None or (seen - value) % turn == 0


def test_build__pause_longer_than_two_bytes__is_told_in_two_messages() -> None:
    ticks = {1: 0, 2: 40_000, 3: 40_004}
    first, at = build_feedback(1, 2, 1, 3, ticks, 0)
    assert at == 2
    second, at = build_feedback(1, 2, 2, 3, ticks, 1)
    assert at == 4
    assert told([first, second]) == ticks


@given(st.binary(max_size=200))
def test_parse__any_bytes__never_raises_and_stays_bounded(body: bytes) -> None:
    found = parse_feedback(body)
    assert found is None or len(found.arrivals) <= MAX_STATUSES


@pytest.mark.parametrize(
    "body",
    [
        bytes(12),
        bytes(14) + b"\x00\x00" + bytes(4),  # no packets at all
        bytes(10) + b"\xff\xff" + bytes(4) + b"\x1f\xff" * 9,  # 65535 lost packets in 18 bytes
        bytes(10) + b"\x00\x01" + bytes(4) + b"\x00\x00",  # an empty run
        bytes(10) + b"\x00\x01" + bytes(4) + b"\x60\x01",  # the reserved symbol
        bytes(10) + b"\x00\x02" + bytes(4) + b"\x20\x02\x05",  # the second time is missing
        bytes(10) + b"\x00\x01" + bytes(4) + b"\x40\x01\x05",  # half a time
    ],
)
def test_parse__malformed__is_refused(body: bytes) -> None:
    assert parse_feedback(body) is None


class Sender:
    """Sends numbers over a line that loses and reorders, and gathers what the feedback says."""

    def __init__(self) -> None:
        self.writer = FeedbackWriter()
        self.gathered: dict[int, int | None] = {}

    def feed(self, arrivals: list[tuple[int, int]]) -> list[bytes]:
        messages = self.writer.write(arrivals, 1, 2)
        for number, tick in told(messages).items():
            assert self.gathered.get(number) in (None, tick), "an arrival must never be taken back"
            self.gathered[number] = tick
        return messages


def test_writer__lossy_reordered_wrapping_flow__tells_every_packet_once_and_right() -> None:
    chance = random.Random(4)
    sender = Sender()
    truth: dict[int, int | None] = {}
    arrivals: list[tuple[int, int]] = []
    for step in range(3000):
        number, at_ns = (65000 + step) & 0xFFFF, (step * 3 + 1000) * 1_000_000
        truth[number] = None
        if chance.random() < 0.9:
            at_ns += chance.choice([0, 0, 0, 20]) * 1_000_000
            truth[number] = at_ns // TICK_NS
            arrivals.append((number, at_ns))
    arrivals.sort(key=lambda arrival: arrival[1])
    for start in range(0, len(arrivals), 33):
        sender.feed(arrivals[start : start + 33])
    first, last = arrivals[0][0], (65000 + 2990) & 0xFFFF
    assert sender.gathered[first] == truth[first]
    missing = [n for n in truth if n not in sender.gathered and ((last - n) & 0xFFFF) < 2980]
    assert missing == []
    assert {n: sender.gathered[n] for n in sender.gathered} == {n: truth[n] for n in sender.gathered}


def test_writer__loss_between_two_feedbacks__is_said_by_the_second() -> None:
    sender = Sender()
    sender.feed([(1, 10**9), (2, 10**9)])
    sender.feed([(5, 11 * 10**8)])
    assert sender.gathered == {1: 4000, 2: 4000, 3: None, 4: None, 5: 4400}


def test_writer__late_packet__takes_its_loss_back_and_a_hopelessly_late_one_does_not() -> None:
    sender = Sender()
    sender.feed([(1, 10**9), (3, 10**9)])
    assert sender.gathered[2] is None
    sender.feed([(2, 10**9 + 10**7)])
    assert sender.gathered == {1: 4000, 2: 4040, 3: 4000}
    sender.feed([(10, 3 * 10**9)])
    assert sender.feed([(2, 3 * 10**9), (8, 3 * 10**9)]), "8 is news"
    assert sender.gathered[2] == 4040


def test_writer__counts_its_messages_and_splits_long_ones() -> None:
    sender = Sender()
    arrivals = [(number, 10**9 + number * 10**6) for number in range(3 * MAX_BUILT_STATUSES)]
    messages = sender.feed(arrivals)
    assert [parsed(message).number for message in messages] == [0, 1, 2]
    assert len(sender.gathered) == 3 * MAX_BUILT_STATUSES
    assert sender.feed([]) == []


def test_writer__sender_starts_anew__feedback_follows_it() -> None:
    sender = Sender()
    sender.feed([(100, 10**9)])
    sender.feed([((100 + MAX_JUMP + 5) & 0xFFFF, 2 * 10**9)])
    assert set(sender.gathered) == {100, 100 + MAX_JUMP + 5}


def numbered(number: int, *, block: bytes = b"", csrcs: int = 0, ssrc: int = 5) -> bytes:
    elements = block + bytes([0x31]) + number.to_bytes(2, "big")
    elements += bytes(-len(elements) % 4)
    head = struct.pack("!BBHII", 0x90 | csrcs, 96, 1, 2, ssrc) + bytes(4 * csrcs)
    return head + struct.pack("!HH", 0xBEDE, len(elements) // 4) + elements + b"payload"


def test_reader__the_place_moves__every_number_is_found() -> None:
    reader = NumberReader(3)
    names = bytes([0x40]) + b"7", bytes([0x41]) + b"31", b"\x00", bytes([0x10, 0x31])
    for number in range(200):
        for block in (b"", *names, b"".join(names)):
            for csrcs in (0, 1):
                packet = numbered(number, block=block, csrcs=csrcs, ssrc=number % 3)
                assert reader.number(packet, number % 3) == number
    plain = struct.pack("!BBHII", 0x80, 96, 1, 2, 5) + b"payload" * 4
    assert reader.number(plain, 1) == -1
    other = numbered(7).replace(b"\x31", b"\x51")
    assert reader.number(other, 1) == -1
    two_byte = struct.pack("!BBHIIHH", 0x90, 96, 1, 2, 5, 0x1000, 1) + b"\x03\x02\x12\x34"
    assert reader.number(two_byte, 1) == 0x1234


@given(st.binary(min_size=12, max_size=80), st.integers(1, 14))
def test_reader__any_bytes__never_raises(packet: bytes, extension_id: int) -> None:
    reader = NumberReader(extension_id)
    for _ in range(2):
        assert -1 <= reader.number(packet, 1) <= 0xFFFF


def test_log__nobody_takes__is_bounded_and_counted() -> None:
    log = ArrivalLog()
    for number in range(MAX_WAITING + 3):
        log.record(number, number)
    assert log.dropped == 3
    assert len(log.take()) == MAX_WAITING
    assert log.take() == []
