"""The same doors under hypothesis, which shrinks what it finds: any bytes, and well-formed things with any numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.errors import SignalingError
from signaling.paths.guards import SecondGate, claimed_ufrag, is_check
from signaling.rtp import rtcp
from signaling.rtp.header import build_header, parse_header
from signaling.rtp.transport_cc import build_feedback, parse_feedback
from signaling.sdp import parse
from signaling.socket_kit.wire import ProtocolFault, StrictPacket
from tests.fuzz.runner import EPISODE
from tests.fuzz.targets import TARGETS

ANY_BYTES = st.binary(max_size=1500)
U32, U16 = st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF)


@pytest.mark.parametrize("name", ["datagram", "tcp", "rtp_header", "stream", "rewriter", "rtcp", "room"])
@settings(max_examples=60)
@given(inputs=st.lists(ANY_BYTES, min_size=1, max_size=8))
def test_target__when_fed_any_bytes__then_its_invariants_hold(name: str, inputs: list[bytes]) -> None:
    check = TARGETS[name].fresh()
    for data in inputs[:EPISODE]:
        check(data)


@given(
    payload=st.binary(max_size=1200),
    numbers=st.tuples(st.integers(0, 127), st.sampled_from([0, 0x80]), U16, U32, U32),
)
def test_header__when_built_from_any_numbers__then_it_is_read_back(
    payload: bytes, numbers: tuple[int, int, int, int, int]
) -> None:
    payload_type, marker, sequence, timestamp, ssrc = numbers
    packet = build_header(
        payload_type=payload_type, marker=marker, sequence=sequence, timestamp=timestamp, ssrc=ssrc
    )
    header = parse_header(packet + payload)
    assert header is not None
    assert header[:5] == numbers
    assert header.payload_end - header.payload_start == len(payload)


@given(sender=U32, ssrc=U32, numbers=st.lists(U16, min_size=1, max_size=200, unique=True))
def test_nack__when_built_of_any_numbers__then_each_is_asked_for_once(
    sender: int, ssrc: int, numbers: list[int]
) -> None:
    (message,) = rtcp.parse(rtcp.build_nack(sender, ssrc, sorted(numbers)))
    assert isinstance(message, rtcp.Nack)
    assert (message.sender_ssrc, message.ssrc) == (sender, ssrc)
    assert set(message.sequences) == set(numbers)


@given(
    first=st.integers(0x10000, 0x30000),
    arrived=st.dictionaries(st.integers(0, 399), st.integers(0, 4000), min_size=1),
)
def test_feedback__when_built_of_any_arrivals__then_it_says_what_came_and_when(
    first: int, arrived: dict[int, int]
) -> None:
    ticks = {first + number: 10**6 + tick for number, tick in arrived.items()}
    packet, following = build_feedback(1, 2, first, max(ticks), ticks, 7)
    ((_kind, _format, body),) = rtcp.split_compound(packet)
    feedback = parse_feedback(body)
    assert feedback is not None
    assert following == first + len(feedback.arrivals)
    origin = feedback.reference * 256
    for number, tick in enumerate(feedback.arrivals, first):
        assert (number in ticks) == (tick > -(1 << 61))
        if number in ticks:
            assert origin + tick == ticks[number]


@settings(max_examples=200)
@given(text=st.text(max_size=400))
def test_description__when_it_is_any_text__then_one_typed_error(text: str) -> None:
    for form in (text, "v=0\r\n" + text, "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=" + text):
        try:
            parse(form)
        except SignalingError as error:
            if error.code not in ("sdp.malformed", "sdp.unsupported"):
                raise


@settings(max_examples=200)
@given(text=st.text(max_size=200), kind=st.sampled_from("0123456"))
def test_packet__when_it_is_any_text__then_it_is_read_or_one_fault(text: str, kind: str) -> None:
    for form in (text, kind + text, f"{kind}/hearing,{text}", f'{kind}/hearing,["{text}"]'):
        try:
            packet = StrictPacket(encoded_packet=form or b"")
        except ProtocolFault:
            continue
        assert packet.packet_type in (0, 1, 2)


@given(data=st.binary(max_size=600))
def test_claim__when_it_is_any_bytes__then_a_short_ascii_name_or_none(data: bytes) -> None:
    name = claimed_ufrag(data)
    assert name is None or (name.isascii() and len(name) <= 300)
    assert not is_check(data) or len(data) % 4 == 0


@given(
    steps=st.lists(st.tuples(st.integers(0, 2_000_000_000), st.integers(0, 2000)), max_size=60),
    limit=st.integers(1, 10),
    limit_bytes=st.integers(1, 5000),
)
def test_gate__when_things_come_at_any_times__then_no_window_lets_more_through(
    steps: list[tuple[int, int]], limit: int, limit_bytes: int
) -> None:
    gate, now_ns = SecondGate(limit, limit_bytes), 0
    passed: list[tuple[int, int]] = []
    for wait_ns, size in steps:
        now_ns += wait_ns
        if gate.allows(now_ns, size):
            passed.append((now_ns, size))
    for start_ns, _ in passed:  # a sliding second overlaps two windows of the gate at most
        within = [size for at_ns, size in passed if start_ns <= at_ns < start_ns + 1_000_000_000]
        assert len(within) <= 2 * limit
        assert sum(within) <= 2 * limit_bytes
