"""Finding and sending again what a viewer misses."""

from __future__ import annotations

from signaling.rtp.header import parse_header
from tests.unit.rtp.layers import Layer, watching
from tests.unit.rtp.streams import (
    rtp,
)
from tests.unit.rtp.viewer import RTX_SSRC, Viewer, video_rewriter


def test_locate__long_run_of_probing_padding__does_not_displace_the_history() -> None:
    layer = Layer()
    viewer = watching(layer)
    for _ in range(300):
        padding = layer.stream.accept(rtp(sequence=layer.source.sequence, payload=b"", padding=9), 0.0)
        assert viewer.feed(padding) is None
        layer.source.sequence += 1
    for media in layer.frame():
        viewer.feed(media)
    assert viewer.rewriter.locate(65530) is not None
    assert viewer.holes == []


def test_locate__never_sent_or_long_gone__is_none() -> None:
    viewer = watching(Layer())
    assert viewer.rewriter.locate(65529) is None
    assert viewer.rewriter.locate(65533) is None
    assert viewer.rewriter.locate(65532) is not None
    assert Viewer(video_rewriter()).rewriter.locate(65530) is None


def test_retransmit__with_rtx__is_wrapped_with_its_own_numbers() -> None:
    layer = Layer()
    viewer = watching(layer)
    original = viewer.packets[65531]
    media = layer.stream.cache.get(viewer.rewriter.locate(65531)[1])  # type: ignore[index]
    assert media is not None
    repairs = [viewer.rewriter.retransmit(65531, media, 50.0) for _ in range(2)]
    headers = [parse_header(repair) for repair in repairs if repair is not None]
    assert [header.sequence for header in headers if header] == [65531, 65532]
    for repair, header in zip(repairs, headers, strict=True):
        assert repair is not None
        assert header is not None
        assert (header.ssrc, header.timestamp) == (RTX_SSRC, original.timestamp)
        assert repair[header.payload_start :] == b"\xff\xfb" + original.payload
    assert viewer.rewriter.retransmitted == 2


def test_retransmit__without_rtx__is_the_same_packet_again() -> None:
    layer = Layer()
    rewriter = video_rewriter(rtx_ssrc=None, rtx_payload_type=None)
    rewriter.select(1)
    sent = [rewriter.forward(media) for media in layer.frame(key=True)]
    ssrc, number = rewriter.locate(65531) or (0, 0)
    media = layer.stream.cache.get(number)
    assert ssrc == 1
    assert media is not None
    assert rewriter.retransmit(65531, media, 9.0) == sent[1]


def test_retransmit__another_packet_than_asked__is_refused() -> None:
    layer = Layer()
    viewer = watching(layer)
    wrong = layer.stream.cache.get(layer.stream.cache.newest)
    assert wrong is not None
    assert viewer.rewriter.retransmit(65531, wrong, 0.0) is None
    assert viewer.rewriter.retransmit(100, wrong, 0.0) is None
