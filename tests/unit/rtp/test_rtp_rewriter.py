"""One viewer's continuous stream: the plain course of things."""

from __future__ import annotations

import pytest

from signaling.rtp.extensions import WIDE_ID, abs_send_time, build_block, text, transport_sequence
from signaling.rtp.header import parse_header
from signaling.rtp.rewriter import NO_SOURCE, Rewriter, RewriterSettings
from tests.unit.rtp.layers import Layer, watching
from tests.unit.rtp.streams import (
    rtp,
    vp8_payload,
    vp8_stream,
)
from tests.unit.rtp.viewer import RTX_SSRC, RTX_TYPE, VIEWER_SSRC, Viewer, video_rewriter


def test_forward__nothing_selected__sends_nothing() -> None:
    viewer = Viewer(video_rewriter())
    assert [viewer.feed(media) for media in Layer().frame(key=True)] == [None] * 3
    assert viewer.rewriter.source == NO_SOURCE


def test_forward__selected__starts_at_the_key_frame_with_the_given_numbers() -> None:
    layer, viewer = Layer(), Viewer(video_rewriter())
    viewer.rewriter.select(1)
    assert viewer.rewriter.target == 1
    for media in layer.frame():
        assert viewer.feed(media) is None
    first = viewer.feed(layer.frame(key=True)[0])
    assert first is not None
    assert (first.out, first.timestamp) == (65530, 0xFFFFFF00)
    assert (viewer.rewriter.source, viewer.rewriter.target) == (1, NO_SOURCE)


def test_forward__body__is_untouched() -> None:
    layer = Layer()
    viewer = watching(layer)
    for media in layer.frame(packets=2):
        seen = viewer.feed(media)
        assert seen is not None
        assert seen.payload[5:] == media.payload[5:]
        assert seen.marker == media.marker


def test_forward__lost_packet__leaves_its_place_and_the_late_one_takes_it() -> None:
    layer = Layer()
    viewer = watching(layer)
    first, second, third = layer.frame()
    viewer.feed(first)
    viewer.feed(third)
    assert viewer.holes == [65534]
    late = viewer.feed(second)
    assert late is not None
    assert late.out == 65534
    assert viewer.holes == []
    viewer.check_continuity()


def test_forward__packet_from_before_the_start__has_no_place() -> None:
    layer, viewer = Layer(), Viewer(video_rewriter())
    viewer.rewriter.select(1)
    old = layer.frame()
    for media in layer.frame(key=True):
        viewer.feed(media)
    assert [viewer.feed(media) for media in old] == [None] * 3


def test_forward__probing_padding__closes_the_sequence_over_it() -> None:
    layer = Layer()
    viewer = watching(layer)
    padding = layer.stream.accept(rtp(sequence=layer.source.sequence, payload=b"", padding=100), 0.0)
    layer.source.sequence += 1
    assert viewer.feed(padding) is None
    for media in layer.frame():
        viewer.feed(media)
    assert viewer.holes == []
    assert len(viewer.packets) == 6
    viewer.check_continuity()


def test_forward__probing_padding_comes_late__fills_the_place_kept_for_it() -> None:
    layer = Layer()
    viewer = watching(layer)
    number = layer.source.sequence
    layer.source.sequence += 1
    for media in layer.frame():
        viewer.feed(media)
    assert len(viewer.holes) == 1
    seen = viewer.feed(layer.stream.accept(rtp(sequence=number, payload=b"", padding=100), 0.0))
    assert seen is not None
    assert seen.payload == b""
    assert viewer.holes == []


@pytest.mark.parametrize("has_time", [False, True])
@pytest.mark.parametrize("is_wide", [False, True])
def test_forward__extension_negotiated__all_elements_are_readable(has_time: bool, is_wide: bool) -> None:
    layer = Layer()
    settings = RewriterSettings(
        VIEWER_SSRC,
        96,
        90000,
        needs_keyframe=True,
        rtx_ssrc=RTX_SSRC,
        rtx_payload_type=RTX_TYPE,
        extension=build_block(
            mid_id=4, mid="v1", abs_send_time_id=2 if has_time else 0, has_wide_sequence=is_wide
        ),
        has_send_time=has_time,
        has_wide_sequence=is_wide,
        first_sequence=65530,
    )
    rewriter = Rewriter(settings)
    rewriter.select(1)
    media = layer.frame(5000.0, key=True)[0]
    repairs = (rewriter.forward(media), rewriter.retransmit(65530, media, 5000.0))
    for sent in repairs:
        assert sent is not None
        header = parse_header(sent)
        assert header is not None
        assert text(sent, header, 4) == "v1"
        assert abs_send_time(sent, header, 2) == (5 << 18 if has_time else -1)
        at = settings.wide_at
        assert bool(at) == is_wide
        numbered = sent[:at] + b"\x12\x34" + sent[at + 2 :] if at else sent
        assert transport_sequence(numbered, header, WIDE_ID) == (0x1234 if is_wide else -1)


@pytest.mark.parametrize(
    ("payload", "picture_at"),
    [
        (b"\x90\x80\x7f\x00k", 2),
        (b"\x90\x80\xff\xff\x00k", 3),
        (b"\x90\x40\xff\x00k", None),
        (b"\x10\x00k", None),
    ],
)
def test_forward__unusual_descriptors__numbers_go_on_across_a_switch(
    payload: bytes, picture_at: int | None
) -> None:
    first, second = vp8_stream(1), vp8_stream(2)
    rewriter = video_rewriter()
    for number, stream in enumerate((first, second)):
        rewriter.select(stream.ssrc)
        media = stream.accept(rtp(sequence=9, payload=payload), number * 100.0)
        assert media is not None
        sent = rewriter.forward(media)
        assert sent is not None
        if picture_at is not None:
            assert sent[12 + picture_at] == (payload[picture_at] + number) & (
                0x7F if picture_at == 2 else 0xFF
            )
        else:
            assert len(sent) == 12 + len(payload)


def test_forward__vp8_payload_of_the_factory__is_what_browsers_send() -> None:
    made = vp8_payload(start=True, key=True, picture_id=1, tl0_index=2)
    assert made[:6] == b"\x90\xe0\x80\x01\x02\x00"
