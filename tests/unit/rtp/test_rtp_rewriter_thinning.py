"""Temporal layers taken out of a viewer's stream without a trace."""

from __future__ import annotations

from signaling.rtp.header import parse_header
from tests.unit.rtp.layers import Layer, watching
from tests.unit.rtp.viewer import RTX_SSRC, Viewer


def frames_sent(viewer: Viewer, layer: Layer, count: int) -> list[int]:
    """Temporal ids of the frames that got through."""
    sent = []
    for _ in range(count):
        frame = layer.frame()
        through = [viewer.feed(media) for media in frame]
        assert all(through) or not any(through), "a frame is sent whole or not at all"
        if through[0]:
            sent.append(frame[0].temporal_id)
    return sent


def test_limit_temporal__lowest_layer_only__drops_whole_frames_without_a_trace() -> None:
    layer = Layer(temporal_layers=True)
    viewer = watching(layer)
    viewer.rewriter.limit_temporal(0)
    assert frames_sent(viewer, layer, 11) == [0, 0]
    viewer.rewriter.limit_temporal(1)
    assert frames_sent(viewer, layer, 8) == [0, 1, 0, 1]
    viewer.rewriter.limit_temporal(2)
    assert frames_sent(viewer, layer, 8) == [0, 2, 1, 2, 0, 2, 1, 2]
    assert viewer.holes == []
    viewer.check_continuity()


def test_limit_temporal__in_the_middle_of_a_frame__the_frame_is_finished() -> None:
    layer = Layer(temporal_layers=True)
    viewer = watching(layer)
    first, second, third = layer.frame()
    assert first.temporal_id == 2
    assert viewer.feed(first)
    viewer.rewriter.limit_temporal(0)
    assert viewer.feed(second)
    assert viewer.feed(third)
    assert frames_sent(viewer, layer, 3) == [0]
    viewer.check_continuity()


def test_limit_temporal__raised_before_a_frame_that_needs_dropped_ones__waits_for_a_sync_point() -> None:
    layer = Layer(temporal_layers=True)
    viewer = watching(layer)
    viewer.rewriter.limit_temporal(0)
    assert frames_sent(viewer, layer, 2) == []  # temporal ids 2 and 1
    viewer.rewriter.limit_temporal(2)
    assert frames_sent(viewer, layer, 3) == [
        0,
        2,
    ]  # the first 2 leans on the dropped 1; the next has the Y bit


def test_limit_temporal__lowered_while_frame_starts_are_lost__late_ones_are_still_media() -> None:
    layer = Layer(temporal_layers=True)
    viewer = watching(layer)
    viewer.rewriter.limit_temporal(1)
    assert frames_sent(viewer, layer, 1) == []
    frame = layer.frame()
    assert viewer.feed(frame[0])
    viewer.rewriter.limit_temporal(0)
    assert all(viewer.feed(media) for media in frame[1:])
    assert viewer.feed(layer.frame()[1]) is None  # temporal id 2, its start is lost
    start, second, _ = layer.frame()
    assert second.temporal_id == 0
    assert viewer.feed(second)
    late = viewer.feed(start)
    assert late is not None
    assert late.payload


def test_limit_temporal__late_packet_of_a_dropped_frame__fills_its_place_with_padding() -> None:
    layer = Layer(temporal_layers=True)
    viewer = watching(layer)
    viewer.rewriter.limit_temporal(0)
    frames_sent(viewer, layer, 4)
    first, lost, third = layer.frame()
    assert viewer.feed(first) is None
    assert viewer.feed(third) is None
    frames_sent(viewer, layer, 3)
    assert len(viewer.holes) == 1
    seen = viewer.feed(lost)
    assert seen is not None
    assert seen.payload == b""
    assert viewer.holes == []
    # A second copy under the same number would be another header under the same AES-GCM nonce.
    repair = viewer.rewriter.retransmit(seen.out & 0xFFFF, lost, 9999.0)
    assert repair is not None
    header = parse_header(repair)
    assert header is not None
    assert (header.ssrc, header.marker) == (RTX_SSRC, 0)
    assert repair[header.payload_start :] == (seen.out & 0xFFFF).to_bytes(2, "big")
