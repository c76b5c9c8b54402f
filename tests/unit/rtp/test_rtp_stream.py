"""What is done once per incoming packet."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.rtp.packet import (
    FLAG_EMPTY,
    FLAG_FRAME_START,
    FLAG_KEYFRAME,
    FLAG_LATE,
    FLAG_SYNC,
    KIND_RED,
    LAYOUT_PLAIN,
    LAYOUT_VP8_FULL,
    LAYOUT_VP8_OTHER,
    Codec,
    MediaPacket,
)
from signaling.rtp.stream import IncomingStream
from tests.unit.rtp.streams import OPUS_TYPE, RED_TYPE, Vp8Source, opus_stream, rtp, vp8_payload, vp8_stream


def accepted(stream: IncomingStream, packet: bytes, now_ms: float = 0.0) -> MediaPacket:
    media = stream.accept(packet, now_ms)
    assert media is not None
    return media


def test_accept__vp8_as_browsers_send_it__is_described() -> None:
    payload = vp8_payload(
        start=True, key=True, picture_id=0x1234, tl0_index=9, temporal=1, sync=True, body=b"abc"
    )
    packet = rtp(sequence=7, timestamp=11, payload=payload, marker=True, padding=3)
    media = accepted(vp8_stream(), packet, 1000.0)
    assert media.sequence & 0xFFFF == 7
    assert (media.timestamp, media.marker, media.payload) == (11, 0x80, payload)
    assert (media.layout, media.picture_id, media.tl0_index, media.temporal_id) == (
        LAYOUT_VP8_FULL,
        0x1234,
        9,
        1,
    )
    assert media.prefix.to_bytes(2, "big") + payload[2:5] + media.tail == payload
    assert media.flags == FLAG_KEYFRAME | FLAG_FRAME_START | FLAG_SYNC
    assert media.send_time == (262144).to_bytes(3, "big")
    assert media.arrival_ms == 1000.0


@pytest.mark.parametrize(
    ("payload", "layout"),
    [
        (b"\x10\x00\x00", LAYOUT_PLAIN),  # no extension of the descriptor
        (b"\x90\x20\x40\x00\x00", LAYOUT_PLAIN),  # temporal id only
        (b"\x90\x80\x11\x00\x00", LAYOUT_VP8_OTHER),  # 7-bit picture id
        (b"\x90\x80\x81\x11\x00\x00", LAYOUT_VP8_OTHER),  # 15-bit picture id without TL0PICIDX
        (b"\x90\xc0\x81\x11\x05\x00\x00", LAYOUT_VP8_FULL),
    ],
)
def test_accept__other_descriptors__are_key_frames_all_the_same(payload: bytes, layout: int) -> None:
    media = accepted(vp8_stream(), rtp(sequence=7, payload=payload))
    assert media.layout == layout
    assert media.flags == FLAG_KEYFRAME | FLAG_FRAME_START


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x80" * 11,
        rtp(sequence=1, payload_type=50),
        rtp(sequence=1, payload=b"\x90"),
        rtp(sequence=1, payload=b"\x90\x80\x80"),
    ],
)
def test_accept__malformed_or_unknown__is_refused_and_counted(packet: bytes) -> None:
    stream = vp8_stream()
    assert stream.accept(packet, 0.0) is None
    assert stream.refused == 1
    assert stream.reception.received == 0


def test_accept__duplicate__is_refused() -> None:
    stream = vp8_stream()
    packet = rtp(sequence=1, payload=b"\x10\x01\x00")
    accepted(stream, packet)
    assert stream.accept(packet, 0.0) is None


def test_accept__reordered__is_marked_late() -> None:
    stream = vp8_stream()
    sent = [accepted(stream, rtp(sequence=n, payload=b"\x10\x01\x00")) for n in (65535, 1, 0)]
    assert [media.flags & FLAG_LATE for media in sent] == [0, 0, FLAG_LATE]
    assert [media.sequence - sent[0].sequence for media in sent] == [0, 2, 1]


def test_accept__probing_padding__is_empty() -> None:
    media = accepted(vp8_stream(), rtp(sequence=1, payload=b"", padding=224))
    assert media.flags & FLAG_EMPTY
    assert media.payload == b""


def test_accept__opus_and_red__are_told_apart_and_the_level_is_read() -> None:
    stream = opus_stream(audio_level_id=3)
    level = b"\xbe\xde\x00\x01\x30\xaa\x00\x00"
    plain = accepted(stream, rtp(sequence=1, payload_type=OPUS_TYPE, payload=b"opus", extension=level))
    assert (plain.kind, plain.audio_level) == (0, 0x2A)
    redundant = accepted(stream, rtp(sequence=2, payload_type=RED_TYPE, payload=b"\x6fopus"))
    assert (redundant.kind, redundant.audio_level) == (KIND_RED, -1)


def h264_stream() -> IncomingStream:
    return IncomingStream(ssrc=1, codec=Codec.H264, clock_rate_hz=90000, payload_type=96)


def test_accept__h264_with_parameter_sets__key_frame_starts_there_and_not_at_the_slice() -> None:
    stream = h264_stream()
    parameters = accepted(
        stream, rtp(sequence=1, timestamp=5, payload=b"\x78\x00\x02\x67\x42\x00\x02\x68\xce")
    )
    slice_ = accepted(stream, rtp(sequence=2, timestamp=5, payload=b"\x7c\x85\x88"))
    assert parameters.flags == FLAG_KEYFRAME | FLAG_FRAME_START
    assert slice_.flags == 0


def test_accept__h264_without_parameter_sets__key_frame_starts_at_the_slice() -> None:
    assert accepted(h264_stream(), rtp(sequence=1, payload=b"\x65\x88")).flags & FLAG_KEYFRAME


def test_accept__key_frame__answers_the_open_request_and_ends_older_asking() -> None:
    stream = vp8_stream()
    source = Vp8Source()
    for packet in source.frame(key=True):
        accepted(stream, packet)
    source.frame()
    for packet in source.frame():
        accepted(stream, packet)
    assert stream.losses.pending == 3
    assert stream.keyframes.want(0.0)
    for packet in source.frame(key=True):
        accepted(stream, packet)
    assert stream.losses.pending == 0
    assert not stream.keyframes.is_wanted


def test_accept__key_frame_header__tells_the_picture_size() -> None:
    frame = b"\x10\x50\x02\x00\x9d\x01\x2a" + (640).to_bytes(2, "little") + (360).to_bytes(2, "little")
    stream = vp8_stream()
    accepted(stream, rtp(sequence=1, payload=frame))
    assert (stream.width_px, stream.height_px) == (640, 360)


def test_accept__sender_restarts_its_numbers__nothing_counts_as_lost() -> None:
    stream = vp8_stream()
    for number in (*range(100, 120), *range(40_000, 40_020)):
        stream.accept(rtp(sequence=number, payload=b"\x10\x01\x00"), 0.0)
    assert stream.refused == 1  # the first after the jump was on probation
    assert stream.losses.pending == 0
    assert stream.report_block(0.0).packets_lost == 0


def test_report_block__loss_and_sender_report__stand_in_it() -> None:
    stream = vp8_stream(ssrc=9)
    for number in range(0, 100):
        if number not in (50, 51):
            stream.accept(rtp(sequence=number, payload=b"\x10\x01\x00", ssrc=9), number * 10.0)
    stream.clock.report(0x1122334455667788, 0, 1000.0)
    block = stream.report_block(1500.0)
    assert (block.ssrc, block.packets_lost, block.highest_sequence) == (9, 2, 99)
    assert block.fraction_lost == pytest.approx(0.02)
    assert (block.last_report, block.delay) == (0x33445566, 32768)
    assert stream.loss_ratio == pytest.approx(0.02)


def test_report_block__nothing_received__is_all_zero() -> None:
    assert vp8_stream().report_block(5.0)[1:] == (0.0, 0, 0, 0, 0, 0)


@given(st.integers(0, 2**32), st.sampled_from(list(Codec)))
def test_accept__mutated_packets__never_raises(seed: int, codec: Codec) -> None:
    rng = random.Random(seed)
    stream = IncomingStream(
        ssrc=1, codec=codec, clock_rate_hz=90000, payload_type=96, red_payload_type=63, audio_level_id=3
    )
    source = Vp8Source(temporal_layers=True)
    for _ in range(30):
        for packet in source.frame(key=rng.random() < 0.1, packets=2):
            mutant = bytearray(packet)
            for _ in range(rng.randrange(4)):
                mutant[rng.choice((0, 1, 12, 13, rng.randrange(len(mutant))))] = rng.randrange(256)
            stream.accept(bytes(mutant[: rng.randrange(len(mutant)) if rng.random() < 0.1 else None]), 1.0)
    stream.report_block(2.0)
