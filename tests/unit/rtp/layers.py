"""A publisher's layer together with its receiving side, and a viewer who watches it."""

from __future__ import annotations

from signaling.rtp.packet import MediaPacket
from tests.unit.rtp.streams import (
    Vp8Source,
    vp8_stream,
)
from tests.unit.rtp.viewer import Viewer, video_rewriter


class Layer:
    """A publisher's layer with its receiving side."""

    def __init__(self, ssrc: int = 1, *, temporal_layers: bool = False, **numbers: int) -> None:
        self.source = Vp8Source(ssrc=ssrc, temporal_layers=temporal_layers, **numbers)
        self.stream = vp8_stream(ssrc)

    def frame(self, now_ms: float = 0.0, *, key: bool = False, packets: int = 3) -> list[MediaPacket]:
        media = [self.stream.accept(packet, now_ms) for packet in self.source.frame(key=key, packets=packets)]
        assert None not in media
        return [packet for packet in media if packet is not None]


def watching(layer: Layer) -> Viewer:
    viewer = Viewer(video_rewriter())
    viewer.rewriter.select(layer.source.ssrc)
    for media in layer.frame(key=True):
        viewer.feed(media)
    assert len(viewer.packets) == 3
    return viewer
