"""One viewer's continuous stream: the cases by name."""

from __future__ import annotations

import pytest

from signaling.rtp import rtcp
from signaling.rtp.clock import SenderClock
from signaling.rtp.extensions import abs_send_time, build_block, text
from signaling.rtp.header import parse_header
from signaling.rtp.packet import KIND_RED, MediaPacket
from signaling.rtp.rewriter import NO_SOURCE, Rewriter, RewriterSettings
from signaling.rtp.sequence import difference32
from tests.unit.rtp.streams import (
    FRAME_MS,
    OPUS_TYPE,
    RED_TYPE,
    Vp8Source,
    opus_stream,
    rtp,
    vp8_payload,
    vp8_stream,
)
from tests.unit.rtp.viewer import RTX_SSRC, Viewer, video_rewriter


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


@pytest.mark.parametrize("has_time", [False, True])
def test_forward__extension_negotiated__mid_and_send_time_are_readable(has_time: bool) -> None:
    layer = Layer()
    rewriter = video_rewriter(
        extension=build_block(mid_id=4, mid="v1", abs_send_time_id=2 if has_time else 0),
        has_send_time=has_time,
    )
    rewriter.select(1)
    media = layer.frame(5000.0, key=True)[0]
    repairs = (rewriter.forward(media), rewriter.retransmit(65530, media, 5000.0))
    for sent in repairs:
        assert sent is not None
        header = parse_header(sent)
        assert header is not None
        assert text(sent, header, 4) == "v1"
        assert abs_send_time(sent, header, 2) == (5 << 18 if has_time else -1)


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


def audio_rewriter(red_payload_type: int | None) -> Rewriter:
    return Rewriter(
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


def test_forward__vp8_payload_of_the_factory__is_what_browsers_send() -> None:
    made = vp8_payload(start=True, key=True, picture_id=1, tl0_index=2)
    assert made[:6] == b"\x90\xe0\x80\x01\x02\x00"
