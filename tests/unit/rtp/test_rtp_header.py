"""The fixed header and what may follow it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp import header
from signaling.rtp.extensions import build_block
from tests.unit.rtp.streams import rtp


def test_parse_header__plain_packet__gives_every_field() -> None:
    packet = rtp(
        sequence=65535, timestamp=0xFFFFFFFE, ssrc=0xDEADBEEF, payload=b"abc", payload_type=100, marker=True
    )
    parsed = header.parse_header(packet)
    assert parsed == (100, 0x80, 65535, 0xFFFFFFFE, 0xDEADBEEF, 12, 15, 0, 0, 0)
    assert header.payload_type(packet) == 100
    assert header.marker(packet)
    assert header.sequence(packet) == 65535
    assert header.timestamp(packet) == 0xFFFFFFFE
    assert header.ssrc(packet) == 0xDEADBEEF


def test_parse_header__csrcs_extension_and_padding__payload_lies_between() -> None:
    extension = b"\xbe\xde\x00\x01\x10\x31\x00\x00"
    packet = bytearray(rtp(sequence=1, payload=b"media", extension=extension, padding=4))
    packet[0] |= 2
    packet[12:12] = bytes(8)
    parsed = header.parse_header(bytes(packet))
    assert parsed is not None
    assert bytes(packet[parsed.payload_start : parsed.payload_end]) == b"media"
    assert packet[parsed.extension_start : parsed.extension_end] == extension[4:]
    assert parsed.extension_profile == 0xBEDE


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x80",
        b"\x80" + bytes(10),
        b"\x40" + bytes(11),  # version 1
        b"\x8f" + bytes(11),  # fifteen CSRCs that are not there
        b"\x90" + bytes(11),  # an extension that is not there
        b"\x90" + bytes(11) + b"\xbe\xde\xff\xff",  # an extension longer than the packet
        b"\xa0" + bytes(11),  # padding of 0
        b"\xa0" + bytes(11) + b"\x09",  # padding longer than the packet
        b"\x80" + bytes(1500),  # larger than any datagram we take
    ],
)
def test_parse_header__malformed__is_none(packet: bytes) -> None:
    assert header.parse_header(packet) is None


@given(st.binary(max_size=80))
def test_parse_header__any_bytes__never_raises_and_offsets_lie_inside(data: bytes) -> None:
    for packet in (data, b"\x90" + data, b"\xb1" + data):
        parsed = header.parse_header(packet)
        if parsed is not None:
            assert 12 <= parsed.payload_start <= parsed.payload_end <= len(packet)
            assert parsed.extension_start <= parsed.extension_end <= parsed.payload_start


def test_build_header__with_and_without_extension__reads_back() -> None:
    block = build_block(mid_id=4, mid="12")
    for extension in (b"", block):
        packet = header.build_header(
            payload_type=96, marker=0x80, sequence=0x1FFFF, timestamp=1 << 32, ssrc=7, extension=extension
        )
        parsed = header.parse_header(packet + b"x")
        assert parsed is not None
        assert parsed[:5] == (96, 0x80, 0xFFFF, 0, 7)
        assert parsed.payload_end - parsed.payload_start == 1


def test_padding_packet__made__carries_no_payload() -> None:
    parsed = header.parse_header(header.padding_packet(payload_type=96, sequence=5, timestamp=9, ssrc=3))
    assert parsed is not None
    assert parsed.payload_start == parsed.payload_end
    assert parsed.sequence == 5
