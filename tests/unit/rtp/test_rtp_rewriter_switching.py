"""One viewer's continuous stream across layers, pauses and restarts."""

from __future__ import annotations

import pytest

from signaling.rtp.rewriter import NO_SOURCE
from signaling.rtp.sequence import difference32
from tests.unit.rtp.layers import Layer, watching
from tests.unit.rtp.streams import FRAME_MS, rtp


def test_select__other_layer__old_one_goes_on_until_the_key_frame_of_the_new() -> None:
    low, high = Layer(1), Layer(2, sequence=500, timestamp=77, picture_id=4, tl0_index=3)
    viewer = watching(low)
    viewer.rewriter.select(2)
    for media in high.frame(10):
        assert viewer.feed(media) is None
    for media in low.frame(33):
        assert viewer.feed(media) is not None
    before = viewer.packets[max(viewer.packets)].descriptor
    first, *_ = [viewer.feed(media) for media in high.frame(43, key=True)]
    assert first is not None
    assert first.descriptor is not None
    assert before is not None
    assert first.descriptor.picture_id == before.picture_id + 1 & 0x7FFF
    assert first.descriptor.tl0_index == before.tl0_index + 1 & 0xFF
    for media in low.frame(66):
        assert viewer.feed(media) is None
    assert viewer.rewriter.last_source == 2
    assert viewer.holes == []
    viewer.check_continuity()


def test_select__back_to_the_present_layer__cancels_the_switch() -> None:
    low, high = Layer(1), Layer(2)
    viewer = watching(low)
    viewer.rewriter.select(2)
    viewer.rewriter.select(1)
    assert viewer.rewriter.target == NO_SOURCE
    assert viewer.feed(high.frame(key=True)[0]) is None


def test_select__sender_reports_known__picture_time_is_kept_exactly_across_the_switch() -> None:
    low, high = Layer(1, timestamp=1000), Layer(2, timestamp=900_000)
    viewer = watching(low)
    last = viewer.packets[max(viewer.packets)]
    # One frame (3000 ticks) of capture time passes, but the new layer arrives 200 ms late.
    viewer.rewriter.select(2, timestamp_shift=(1000 - 900_000) & 0xFFFFFFFF)
    high.source.timestamp += 3000
    first = viewer.feed(high.frame(FRAME_MS + 200, key=True)[0])
    assert first is not None
    assert difference32(first.timestamp, last.timestamp) == 3000


def test_select__sender_reports_contradict_arrival__arrival_counts() -> None:
    low, high = Layer(1, timestamp=1000), Layer(2, timestamp=900_000)
    viewer = watching(low)
    last = viewer.packets[max(viewer.packets)]
    viewer.rewriter.select(2, timestamp_shift=500_000_000)
    first = viewer.feed(high.frame(100.0, key=True)[0])
    assert first is not None
    assert difference32(first.timestamp, last.timestamp) == 9000


def test_select__new_layer_captured_at_the_same_instant__timestamp_still_advances() -> None:
    low, high = Layer(1, timestamp=1000), Layer(2, timestamp=5000)
    viewer = watching(low)
    last = viewer.packets[max(viewer.packets)]
    viewer.rewriter.select(2, timestamp_shift=(1000 - 5000) & 0xFFFFFFFF)
    first = viewer.feed(high.frame(0.0, key=True)[0])
    assert first is not None
    assert difference32(first.timestamp, last.timestamp) == 90


def test_select__late_packet_of_the_old_layer__is_not_forwarded_but_can_be_repaired() -> None:
    low, high = Layer(1), Layer(2)
    viewer = watching(low)
    lost = low.frame(33)[1]
    viewer.feed(low.stream.cache.get(lost.sequence - 1))
    viewer.feed(low.stream.cache.get(lost.sequence + 1))
    viewer.rewriter.select(2)
    for media in high.frame(66, key=True):
        viewer.feed(media)
    assert viewer.feed(lost) is None
    [hole] = viewer.holes
    assert viewer.rewriter.locate(hole & 0xFFFF) == (1, lost.sequence)
    repair = viewer.rewriter.retransmit(hole & 0xFFFF, lost, 70.0)
    assert repair is not None
    viewer.take(repair)
    viewer.check_continuity()


def test_pause__then_select_again__numbers_go_on_and_time_has_passed() -> None:
    layer = Layer()
    viewer = watching(layer)
    last = viewer.packets[max(viewer.packets)]
    viewer.rewriter.pause()
    for step in range(1, 31):
        for media in layer.frame(step * FRAME_MS):
            assert viewer.feed(media) is None
    viewer.rewriter.select(1)
    for media in layer.frame(31 * FRAME_MS):
        assert viewer.feed(media) is None  # waits for a key frame
    first = viewer.feed(layer.frame(32 * FRAME_MS + 50, key=True)[0])  # 50 ms of jitter are no media time
    assert first is not None
    assert first.out == last.out + 1
    assert difference32(first.timestamp, last.timestamp) == 32 * 3000
    viewer.check_continuity()


@pytest.mark.parametrize("through_another", [False, True])
def test_select__key_frame_from_before_comes_late__does_not_start_there(through_another: bool) -> None:
    layer, other = Layer(1), Layer(2)
    viewer = watching(layer)
    lost = layer.source.frame(key=True, packets=1)[0]
    for media in layer.frame(33):
        viewer.feed(media)
    if through_another:
        viewer.rewriter.select(2)
        for media in other.frame(40, key=True):
            viewer.feed(media)
    else:
        viewer.rewriter.pause()
    viewer.rewriter.select(1)
    assert viewer.feed(layer.stream.accept(lost, 66.0)) is None
    assert viewer.rewriter.target == 1
    assert viewer.feed(layer.frame(99, key=True)[0]) is not None


def test_forward__sender_restarts_its_numbers__viewer_sees_no_hole() -> None:
    layer = Layer()
    viewer = watching(layer)
    layer.source.sequence = 20_000
    probation, *rest = layer.source.frame(key=True, packets=4)
    assert layer.stream.accept(probation, 33.0) is None
    for packet in rest:
        viewer.feed(layer.stream.accept(packet, 33.0))
    assert len(viewer.packets) == 6
    assert viewer.holes == []


def test_forward__sender_restarts_with_padding__picture_numbers_go_on_from_the_next_media() -> None:
    layer = Layer()
    viewer = watching(layer)
    for number in (20_000, 20_001, 20_002):
        padding = layer.stream.accept(rtp(sequence=number, payload=b"", padding=9), 33.0)
        assert viewer.feed(padding) is None
    layer.source.sequence = 20_003
    for media in layer.frame(34.0, key=True):
        assert viewer.feed(media) is not None
    assert viewer.feed(layer.stream.accept(rtp(sequence=20_006, payload=b"", padding=9), 35.0)) is None
    assert viewer.holes == []
    viewer.check_continuity()


def test_select__many_layers_later__a_key_frame_from_before_still_does_not_start_there() -> None:
    layers = [Layer(ssrc) for ssrc in range(1, 16)]
    viewer = watching(layers[0])
    lost = layers[0].source.frame(key=True, packets=1)[0]
    for media in layers[0].frame(33):
        viewer.feed(media)
    for step, layer in enumerate(layers[1:]):
        viewer.rewriter.select(layer.source.ssrc)
        for media in layer.frame(66.0 + step, key=True):
            viewer.feed(media)
    viewer.rewriter.select(1)
    assert viewer.feed(layers[0].stream.accept(lost, 99.0)) is None
    assert viewer.rewriter.source == 15


def test_forget_sources__publisher_came_back_with_low_numbers__stream_goes_on() -> None:
    viewer = watching(Layer())
    viewer.rewriter.forget_sources()
    assert viewer.rewriter.locate(65531) is None
    fresh = Layer(sequence=3, timestamp=5, picture_id=2, tl0_index=1)
    viewer.rewriter.select(1)
    for media in fresh.frame(500.0, key=True):
        viewer.feed(media)
    assert len(viewer.packets) == 6
    assert viewer.holes == []
    viewer.check_continuity()
