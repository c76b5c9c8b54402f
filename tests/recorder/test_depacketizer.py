"""RTP to frames: what leaves decodes, whatever the network did."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import pairwise

import av
import pytest
from av.video.codeccontext import VideoCodecContext

from recorder.codecs.depacketizer import Depacketizer, EncodedFrame, depacketizer_for
from recorder.codecs.frame_formats import h264_size_px, opus_duration_samples, red_blocks
from recorder.codecs.rtp_order import Reorderer, RtpPacket, parse_rtp
from signaling.sink import TrackInfo
from tests.recorder.synthetic_hearing import Actor, Network, perform, rtp

NS_PER_MS = 1_000_000


class _Tap:
    """Keeps the packets of one track."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.wanted: str | None = None
        self.packets: list[tuple[bytes, int]] = []

    def track_started(self, track: TrackInfo, at_ns: int) -> None:
        if track.kind == self.kind:
            self.wanted = track.track_id

    def packet(self, track_id: str, packet: bytes, at_ns: int) -> None:
        if track_id == self.wanted:
            self.packets.append((packet, at_ns))

    def sender_report(self, *_: object) -> None: ...

    def track_event(self, *_: object) -> None: ...

    def track_ended(self, *_: object) -> None: ...


def packets_of(actor: Actor, kind: str = "video") -> list[tuple[bytes, int]]:
    tap = _Tap(kind)
    for arrival in perform([actor], started_ns=0):
        arrival.tell(tap, arrival.at_ns)
    return tap.packets


def frames_of(depacketizer: Depacketizer, packets: Iterable[tuple[bytes, int]]) -> list[EncodedFrame]:
    frames = [frame for raw, at_ns in packets for frame in depacketizer.push(raw, at_ns)]
    return frames + list(depacketizer.flush())


def decoded(codec: str, frames: Iterable[EncodedFrame]) -> int:
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, VideoCodecContext)
    context.thread_count = 1
    count = sum(len(context.decode(av.Packet(frame.data))) for frame in frames)
    return count + len(context.decode(None))


ACTOR = Actor("per_a", (100, 90, 150), 500, until_s=3, key_every_s=1, bit_rate=800_000)


@pytest.mark.parametrize(("codec", "decoder"), [("VP8", "vp8"), ("H264", "h264")])
def test_pictures__when_packets_are_reordered_and_doubled__then_every_frame_decodes(
    codec: str, decoder: str
) -> None:
    network = Network(jitter_ms=5, reorder=0.1, duplicate=0.1, seed=4)
    actor = Actor("per_a", (100, 90, 150), 500, until_s=3, codec=codec, network=network)
    depacketizer = depacketizer_for(codec)

    frames = frames_of(depacketizer, packets_of(actor))

    assert len(frames) == 75
    assert [frame.rtp_timestamp - frames[0].rtp_timestamp for frame in frames] == [
        3600 * n for n in range(75)
    ]
    assert decoded(decoder, frames) == 75
    assert depacketizer.loss.duplicate_packets + depacketizer.loss.late_packets > 0
    assert depacketizer.loss.missing_packets == 0
    assert frames[0].is_key
    assert frames[0].size_px == (320, 240)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pictures__when_packets_are_lost__then_nothing_leaves_until_the_next_key_frame(
    codec: str, seed: int
) -> None:
    actor = Actor("per_a", (100, 90, 150), 500, until_s=6, key_every_s=1, codec=codec, bit_rate=900_000)
    whole = packets_of(actor)
    dice = random.Random(seed)
    kept = [packet for packet in whole if dice.random() > 0.03]
    depacketizer = depacketizer_for(codec)

    frames = frames_of(depacketizer, kept)

    assert depacketizer.loss.missing_packets > 0
    assert 0 < len(frames) < 150
    reference = {frame.rtp_timestamp: frame.data for frame in frames_of(depacketizer_for(codec), whole)}
    before: int | None = None
    for frame in frames:
        assert reference[frame.rtp_timestamp] == frame.data
        if before is None or frame.rtp_timestamp - before != 3600:
            assert frame.is_key, "what follows a hole must be a key frame"
        before = frame.rtp_timestamp


def test_pictures__when_sequence_and_timestamp_wrap__then_frames_go_on_in_order() -> None:
    depacketizer = depacketizer_for("VP8")
    first_sequence, first_timestamp = 65_500, (1 << 32) - 3600 * 20
    sequence = first_sequence
    moved = []
    known: dict[int, int] = {}
    for raw, at_ns in packets_of(ACTOR):
        packet = parse_rtp(raw, at_ns)
        assert packet is not None
        index = known.setdefault(packet.timestamp, len(known))
        timestamp = first_timestamp + 3600 * index
        moved.append((rtp(96, sequence, timestamp, 7, packet.payload, marker=packet.marker), at_ns))
        sequence += 1

    frames = frames_of(depacketizer, moved)

    assert sequence > 65_536
    assert [frame.rtp_timestamp for frame in frames] == [first_timestamp + 3600 * n for n in range(75)]
    assert decoded("vp8", frames) == 75


def test_pictures__when_padding_packets_are_between__then_they_cost_nothing() -> None:
    depacketizer = depacketizer_for("VP8")
    packets, shift, out = packets_of(ACTOR), 0, []
    for count, (raw, at_ns) in enumerate(packets):
        packet = parse_rtp(raw, at_ns)
        assert packet is not None
        sequence = packet.sequence + shift
        out.append((rtp(96, sequence, packet.timestamp, 7, packet.payload, marker=packet.marker), at_ns))
        if count % 7 == 3:
            shift += 1
            probe = bytearray(rtp(96, sequence + 1, packet.timestamp, 7, b"\0" * 9 + b"\x0a", marker=False))
            probe[0] |= 0x20
            out.append((bytes(probe), at_ns))

    frames = frames_of(depacketizer, out)

    assert len(frames) == 75
    assert depacketizer.loss.missing_packets == 0


def test_pictures__when_bytes_are_noise__then_they_are_counted_and_nothing_breaks() -> None:
    dice = random.Random(9)
    noise = [(dice.randbytes(dice.randrange(0, 60)), n * NS_PER_MS) for n in range(3000)]
    shaped = [
        (rtp(96, dice.randrange(65536), dice.randrange(1 << 32), 1, dice.randbytes(30), marker=True), n)
        for n in range(3000)
    ]
    for codec in ("VP8", "H264", "opus"):
        depacketizer = depacketizer_for(codec, red_payload_type=96)
        frames_of(depacketizer, noise + shaped)
        assert depacketizer.loss.malformed_packets > 0


def test_sound__when_red_repeats_what_was_lost__then_every_packet_is_there_once() -> None:
    plain = packets_of(ACTOR, "audio")
    repeating = []
    before = b""
    for raw, at_ns in plain:
        packet = parse_rtp(raw, at_ns)
        assert packet is not None
        header = bytes([0x80 | 111]) + ((960 << 10) | len(before)).to_bytes(3, "big") if before else b""
        payload = header + bytes([111]) + before + packet.payload
        repeating.append((rtp(63, packet.sequence, packet.timestamp, 1, payload, marker=False), at_ns))
        before = packet.payload
    kept = [packet for index, packet in enumerate(repeating) if index % 5 != 2]
    depacketizer = depacketizer_for("opus", red_payload_type=63)

    frames = frames_of(depacketizer, kept)

    expected = [parse_rtp(raw, at_ns) for raw, at_ns in plain]
    assert [frame.data for frame in frames] == [packet.payload for packet in expected if packet is not None]
    assert {b.rtp_timestamp - a.rtp_timestamp for a, b in pairwise(frames)} == {960}
    assert depacketizer.loss.restored_packets == 30


def test_sound__when_timestamps_wrap__then_durations_stay_whole() -> None:
    frames = frames_of(depacketizer_for("opus"), packets_of(ACTOR, "audio"))
    assert len(frames) == 150
    assert {frame.duration_rtp for frame in frames} == {960}


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        (b"", 0),
        (b"\x08", 960),
        (b"\x18", 2880),
        (b"\xf8", 960),
        (b"\xf9", 1920),
        (b"\xfb\x03", 2880),
        (b"\xfb", 0),
    ],
)
def test_opus_duration__when_the_toc_says_so__then_samples_follow_rfc_6716(
    packet: bytes, samples: int
) -> None:
    assert opus_duration_samples(packet) == samples


@pytest.mark.parametrize("payload", [b"", b"\xef", b"\xef\x00\x00", b"\xef\x0f\x00\xff\x6f\x01"])
def test_red__when_lengths_do_not_fit__then_the_payload_is_refused(payload: bytes) -> None:
    assert red_blocks(payload) is None


def test_h264_size__when_there_is_no_parameter_set__then_it_is_unknown() -> None:
    assert h264_size_px(b"\0\0\0\1\x65abc") is None
    assert h264_size_px(b"\0\0\0\1\x67\x42\x00\x1f") is None


def test_reorderer__when_a_hole_is_never_filled__then_it_is_given_up_in_time() -> None:
    order = Reorderer()
    released = []
    for sequence in [10, 11, *range(13, 200)]:
        at_ns = sequence * 20 * NS_PER_MS
        packet = RtpPacket(sequence, sequence * 960, False, 111, b"x", at_ns)
        released += [(out.extended_sequence, at_ns, out.after_hole) for out in order.push(packet)]
    by_sequence = {sequence: (at_ns, hole) for sequence, at_ns, hole in released}
    waited_ms = (by_sequence[13][0] - 13 * 20 * NS_PER_MS) / NS_PER_MS
    assert 1500 <= waited_ms <= 1540
    assert by_sequence[13][1]
    assert not by_sequence[14][1]
    assert order.missing == 1
    assert max(by_sequence) == 199
