"""Sound, redundancy, and the sender reports that keep it in step."""

from __future__ import annotations

import struct

from signaling.rtp import rtcp
from signaling.rtp.clock import SenderClock
from signaling.rtp.header import parse_header
from signaling.rtp.packet import KIND_RED, Codec
from signaling.rtp.rewriter import RewriterSettings
from signaling.rtp.stream import IncomingStream
from tests.unit.rtp.layers import Layer, watching
from tests.unit.rtp.streams import (
    OPUS_TYPE,
    RED_TYPE,
    opus_stream,
    rtp,
)
from tests.unit.rtp.viewer import AnyRewriter, new_rewriter


def audio_rewriter(red_payload_type: int | None) -> AnyRewriter:
    return new_rewriter(
        RewriterSettings(
            ssrc=5,
            payload_type=120,
            clock_rate_hz=48000,
            needs_keyframe=False,
            red_payload_type=red_payload_type,
            first_sequence=10,
        )
    )


def test_audio__selected__flows_at_once_and_after_a_pause_without_key_frames() -> None:
    stream, rewriter = opus_stream(), audio_rewriter(None)
    numbers = []
    for i in range(9):
        if i == 3:
            rewriter.pause()
        if i in (0, 6):
            rewriter.select(1)
        media = stream.accept(
            rtp(sequence=i, timestamp=i * 960, payload_type=OPUS_TYPE, payload=b"o"), i * 20.0
        )
        assert media is not None
        sent = rewriter.forward(media)
        if sent is not None:
            header = parse_header(sent)
            assert header is not None
            assert header.payload_type == 120
            numbers.append((header.sequence, header.timestamp // 960))
    assert numbers == [(10, 0), (11, 1), (12, 2), (13, 6), (14, 7), (15, 8)]


def test_audio__red__goes_through_or_is_taken_off_as_negotiated() -> None:
    payload = b"\xef\x0f\x00\x02\x6fo1new"  # one older block of two bytes, then the primary
    for red_type, expected in ((99, (99, payload)), (None, (120, b"new"))):
        stream, rewriter = opus_stream(), audio_rewriter(red_type)
        rewriter.select(1)
        media = stream.accept(rtp(sequence=1, payload_type=RED_TYPE, payload=payload), 0.0)
        assert media is not None
        assert media.kind == KIND_RED
        for sent in (rewriter.forward(media), rewriter.retransmit(10, media, 0.0)):
            assert sent is not None
            assert (sent[1] & 0x7F, sent[12:]) == expected


def test_audio__red_that_does_not_add_up__is_left_out() -> None:
    stream, rewriter = opus_stream(), audio_rewriter(None)
    rewriter.select(1)
    for number, payload in enumerate((b"\x6fa", b"\xef", b"\x6fb")):
        media = stream.accept(rtp(sequence=number, payload_type=RED_TYPE, payload=payload), 0.0)
        assert media is not None
        sent = rewriter.forward(media)
        assert (sent[2:4] if sent else None) == {0: b"\0\x0a", 1: None, 2: b"\0\x0b"}[number]


def test_sender_report__clock_known__lies_on_the_viewers_timeline() -> None:
    layer = Layer(timestamp=1000)
    viewer = watching(layer)
    clock = SenderClock(90_000)
    assert viewer.rewriter.sender_report(clock, 0.0) is None
    clock.report(77 << 32, 1000, 0.0)
    made = viewer.rewriter.sender_report(clock, 500.0)
    assert made is not None
    ntp, data = made
    [report] = rtcp.parse(data)
    assert isinstance(report, rtcp.SenderReport)
    assert ntp == report.ntp == (77 << 32) + (1 << 31)
    assert report.rtp_timestamp == (viewer.packets[65530].timestamp + 45_000) & 0xFFFFFFFF
    assert (report.packets, report.octets) == (3, sum(len(seen.payload) for seen in viewer.packets.values()))
    viewer.rewriter.pause()
    assert viewer.rewriter.sender_report(clock, 500.0) is None


def test_redundancy__when_the_viewer_takes_red__then_it_passes_whole_and_is_taken_off_again_when_not() -> (
    None
):
    stream = IncomingStream(
        ssrc=7, codec=Codec.OPUS, clock_rate_hz=48000, payload_type=111, red_payload_type=63
    )
    rewriter = new_rewriter(
        RewriterSettings(ssrc=9, payload_type=111, clock_rate_hz=48000, needs_keyframe=False)
    )
    rewriter.select(7)
    repeat = (960 << 10 | 3).to_bytes(3, "big")
    red = bytes([0x80 | 111]) + repeat + bytes([111]) + b"old" + b"new"
    sent = []
    for number, taken in enumerate((None, 63, None)):
        rewriter.take_redundancy(taken)
        assert rewriter.redundancy == taken
        head = struct.pack("!BBHII", 0x80, 63, 100 + number, 960 * number, 7)
        packet = stream.accept(head + red, 20.0 * number)
        assert packet is not None
        data = rewriter.forward(packet)
        assert data is not None
        sent.append((data[1] & 0x7F, data[12:]))
    assert sent == [(111, b"new"), (63, red), (111, b"new")]
