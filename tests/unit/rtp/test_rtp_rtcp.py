"""RTCP: what is built reads back here and in aiortc, and nothing malformed raises."""

from __future__ import annotations

import random

import pytest
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpRtpfbPacket, RtcpSrPacket, unpack_remb_fci
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp import rtcp
from signaling.rtp.rtcp import (
    Bye,
    Cname,
    KeyframeRequest,
    Nack,
    ReceiverReport,
    Remb,
    ReportBlock,
    SenderReport,
)

UINT16, UINT32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
BLOCK = st.builds(
    ReportBlock,
    UINT32,
    st.integers(0, 255).map(lambda n: n / 256),
    st.integers(-0x800000, 0x7FFFFF),
    UINT32,
    UINT32,
    UINT32,
    UINT32,
)


@given(UINT32, st.integers(0, 2**64 - 1), UINT32, UINT32, UINT32, st.lists(BLOCK, max_size=31))
def test_sender_report__built__reads_back(
    ssrc: int, ntp: int, rtp: int, packets: int, octets: int, blocks: list[ReportBlock]
) -> None:
    data = rtcp.build_sender_report(
        ssrc, ntp=ntp, rtp_timestamp=rtp, packets=packets, octets=octets, blocks=blocks
    )
    assert rtcp.parse(data) == [SenderReport(ssrc, ntp, rtp, packets, octets, tuple(blocks))]
    [theirs] = RtcpPacket.parse(data)
    assert isinstance(theirs, RtcpSrPacket)
    assert (theirs.sender_info.ntp_timestamp, theirs.sender_info.rtp_timestamp) == (ntp, rtp)


@given(UINT32, st.lists(BLOCK, max_size=40))
def test_receiver_report__built__reads_back_and_is_cut_at_31_blocks(
    ssrc: int, blocks: list[ReportBlock]
) -> None:
    data = rtcp.build_receiver_report(ssrc, blocks)
    assert rtcp.parse(data) == [ReceiverReport(ssrc, tuple(blocks[:31]))]
    assert bytes(RtcpPacket.parse(data)[0]) == data


@given(UINT32, UINT32, st.sets(UINT16, min_size=1, max_size=60))
def test_nack__built__asks_for_exactly_these_numbers(sender: int, ssrc: int, wanted: set[int]) -> None:
    data = rtcp.build_nack(sender, ssrc, sorted(wanted))
    assert rtcp.parse(data) == [Nack(sender, ssrc, tuple(sorted(wanted)))]
    [theirs] = RtcpPacket.parse(data)
    assert isinstance(theirs, RtcpRtpfbPacket)
    assert sorted(theirs.lost) == sorted(wanted)


def test_nack__run_across_the_wrap__fits_one_item_and_repeats_do_not_grow_it() -> None:
    run = [65530 + i & 0xFFFF for i in range(17)]
    data = rtcp.build_nack(1, 2, run)
    assert len(data) == 16
    assert rtcp.parse(data) == [Nack(1, 2, tuple(run))]
    assert rtcp.parse(rtcp.build_nack(1, 2, [5, 5, 5])) == [Nack(1, 2, (5,))]


def test_nack__hostile_wish_list__is_cut() -> None:
    items = b"".join((i * 17 & 0xFFFF).to_bytes(2, "big") + b"\xff\xff" for i in range(300))
    data = b"\x81\xcd" + (2 + 300).to_bytes(2, "big") + bytes(8) + items
    [message] = rtcp.parse(data)
    assert isinstance(message, Nack)
    assert len(message.sequences) == rtcp.MAX_NACK_NUMBERS


@given(UINT32, UINT32)
def test_pli__built__reads_back(sender: int, ssrc: int) -> None:
    data = rtcp.build_pli(sender, ssrc)
    assert rtcp.parse(data) == [KeyframeRequest(sender, ssrc, False)]
    assert bytes(RtcpPsfbPacket(fmt=1, ssrc=sender, media_ssrc=ssrc)) == data


@given(UINT32, UINT32, st.integers(0, 1000))
def test_fir__built__names_its_target_in_the_item(sender: int, ssrc: int, count: int) -> None:
    assert rtcp.parse(rtcp.build_fir(sender, ssrc, count)) == [KeyframeRequest(sender, ssrc, True)]


@given(UINT32, st.integers(0, 10**10), st.lists(UINT32, max_size=5))
def test_remb__built__reads_back_within_18_bits(sender: int, bitrate: int, ssrcs: list[int]) -> None:
    data = rtcp.build_remb(sender, bitrate, ssrcs)
    [message] = rtcp.parse(data)
    assert isinstance(message, Remb)
    assert message.ssrcs == tuple(ssrcs)
    assert 0 <= bitrate - message.bitrate_bps <= bitrate / (1 << 17)
    [theirs] = RtcpPacket.parse(data)
    assert isinstance(theirs, RtcpPsfbPacket)
    assert unpack_remb_fci(theirs.fci) == (message.bitrate_bps, ssrcs)


@given(UINT32, st.text(max_size=60).filter(lambda text: "\x00" not in text))
def test_cname__built__reads_back(ssrc: int, name: str) -> None:
    assert rtcp.parse(rtcp.build_cname(ssrc, name)) == [Cname(ssrc, name)]


def test_sdes__several_chunks_and_other_items__only_cnames_are_read() -> None:
    body = (
        (1).to_bytes(4, "big") + b"\x02\x02xy\x01\x03abc\x00\x00\x00"
        + (2).to_bytes(4, "big") + b"\x01\x02de" + b"\x00" * 4
    )  # fmt: skip
    data = b"\x82\xca" + (len(body) // 4).to_bytes(2, "big") + body
    assert rtcp.parse(data) == [Cname(1, "abc"), Cname(2, "de")]


def test_bye__built__reads_back() -> None:
    assert rtcp.parse(rtcp.build_bye([1, 0xFFFFFFFF])) == [Bye((1, 0xFFFFFFFF))]


def test_parse__compound_with_unknown_types__reads_the_rest_in_order() -> None:
    unknown = b"\x80\xcf\x00\x01" + bytes(4)
    data = rtcp.build_receiver_report(1) + unknown + rtcp.build_cname(1, "c") + rtcp.build_pli(1, 2)
    assert rtcp.parse(data) == [ReceiverReport(1, ()), Cname(1, "c"), KeyframeRequest(1, 2, False)]


def test_parse__malformed_in_the_middle__keeps_what_came_before() -> None:
    data = rtcp.build_pli(1, 2) + b"\x81\xce\x00\xff" + rtcp.build_pli(1, 3)
    assert rtcp.parse(data) == [KeyframeRequest(1, 2, False)]


def test_parse__last_packet_padded__padding_is_no_content() -> None:
    padded = bytearray(rtcp.build_nack(1, 2, [7]) + b"\x00\x00\x00\x04")
    padded[0] |= 0x20
    padded[3] += 1
    assert rtcp.parse(bytes(padded)) == [Nack(1, 2, (7,))]


@pytest.mark.parametrize("padding", [0, 3, 200])
def test_parse__padding_that_lies__is_refused(padding: int) -> None:
    padded = bytearray(rtcp.build_pli(1, 2) + bytes(3) + bytes([padding]))
    padded[0] |= 0x20
    padded[3] += 1
    assert rtcp.parse(bytes(padded)) == []


def test_parse__twenty_thousand_mutants__never_raises() -> None:
    rng = random.Random(20_000)
    block = ReportBlock(5, 0.5, -3, 70_000, 9, 10, 11)
    seeds = [
        rtcp.build_sender_report(1, ntp=2**63, rtp_timestamp=3, packets=4, octets=5, blocks=[block] * 2),
        rtcp.build_receiver_report(1, [block] * 3) + rtcp.build_remb(1, 2_000_000, [2, 3]),
        rtcp.build_nack(1, 2, [1, 2, 3, 40, 41]) + rtcp.build_fir(1, 2, 3),
        rtcp.build_cname(1, "someone") + rtcp.build_bye([1, 2]) + rtcp.build_pli(1, 2),
    ]
    understood = 0
    for _ in range(20_000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 5)):
            at = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    data[at] ^= 1 << rng.randrange(8)
                case 1:
                    data[at] = rng.randrange(256)
                case 2 if len(data) > 1:
                    del data[at:]
                    data += b"\x80"
                case _:
                    data[at:at] = rng.randbytes(rng.randrange(1, 6))
        understood += len(rtcp.parse(bytes(data)))
    assert understood > 10_000  # the mutants are near enough to the real thing to reach the parsers


@given(st.binary(max_size=120))
def test_parse__any_bytes__never_raises(data: bytes) -> None:
    rtcp.parse(data)
    for kind in (200, 201, 202, 203, 205, 206):
        words = len(data) // 4
        rtcp.parse(bytes([0x81, kind]) + words.to_bytes(2, "big") + data)
        rtcp.parse(bytes([0x8F, kind]) + words.to_bytes(2, "big") + data)


def test_extended__when_our_reference_time_is_echoed__then_the_echo_is_read_and_the_rest_skipped() -> None:
    sent = rtcp.build_reference_time(7, 0x1122334455667788)
    assert sent == bytes.fromhex("80cf0004 00000007 04000002 1122334455667788".replace(" ", ""))
    assert rtcp.parse(sent) == [], "we answer no reference times"
    unknown = bytes.fromhex("01000001 00000000".replace(" ", ""))
    echo = bytes.fromhex("05000006 00000007 33445566 00010000 00000008 00000009 0000000a".replace(" ", ""))
    body = (9).to_bytes(4, "big") + unknown + echo
    packet = bytes([0x80, rtcp.XR]) + (len(body) // 4).to_bytes(2, "big") + body
    assert rtcp.parse(packet) == [rtcp.ReferenceEcho(7, 0x33445566, 65536), rtcp.ReferenceEcho(8, 9, 10)]


@pytest.mark.parametrize("cut", range(1, 40))
def test_extended__when_cut_anywhere__then_nothing_raises(cut: int) -> None:
    body = (
        (9).to_bytes(4, "big") + bytes.fromhex("05000009") + bytes(range(24))
    )  # says more words than there are
    packet = bytes([0x80, rtcp.XR]) + (len(body) // 4).to_bytes(2, "big") + body
    assert rtcp.parse(packet[:cut]) == []
    assert rtcp.parse(packet) == []
