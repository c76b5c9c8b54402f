"""Packets that are well-formed and made to cost: each reader stops at a written limit."""

import struct

from signaling.rtp import rtcp
from signaling.rtp.header import MAX_EXTENSION_BYTES, parse_header
from signaling.rtp.keyframes import H264_NOTHING, H264_PARAMETERS, h264_start
from signaling.rtp.red import MAX_REDUNDANT_BLOCKS, primary_block

HEAD = struct.pack("!BBHII", 0x90, 96, 1, 2, 3)


def with_extension(words: int) -> bytes:
    return HEAD + struct.pack("!HH", 0xBEDE, words) + bytes(4 * words) + b"\x80picture"


def test_header__when_the_extension_block_is_as_long_as_allowed__then_it_is_read() -> None:
    header = parse_header(with_extension(MAX_EXTENSION_BYTES // 4))
    assert header is not None
    assert header.extension_end - header.extension_start == MAX_EXTENSION_BYTES


def test_header__when_the_extension_block_is_longer__then_the_packet_is_refused() -> None:
    assert parse_header(with_extension(MAX_EXTENSION_BYTES // 4 + 1)) is None


def test_redundancy__when_there_are_more_blocks_than_anybody_sends__then_it_is_malformed() -> None:
    block = b"\xef\x00\x00\x01"

    def payload(blocks: int) -> bytes:
        return block * blocks + b"\x6f" + b"x" * blocks + b"voice"

    assert primary_block(payload(MAX_REDUNDANT_BLOCKS)) == (111, b"voice")
    assert primary_block(payload(MAX_REDUNDANT_BLOCKS + 1)) is None


def test_h264__when_a_packet_aggregates_hundreds_of_units__then_only_the_first_ones_are_looked_at() -> None:
    unit, parameters = b"\x00\x01\x01", b"\x00\x01\x67"
    assert h264_start(b"\x18" + unit * 10 + parameters) == H264_PARAMETERS
    assert h264_start(b"\x18" + unit * 400 + parameters) == H264_NOTHING


def test_rtcp__when_a_compound_holds_more_packets_than_a_browser_sends__then_the_rest_is_not_read() -> None:
    requests = rtcp.build_pli(1, 2) * (rtcp.MAX_PARTS + 30)
    assert len(rtcp.parse(requests)) == rtcp.MAX_PARTS
