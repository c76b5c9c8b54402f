"""Does a track's picture really stand still? Decodes its last seconds from the key frame before them.

Asked rarely: only where the sizes of frames say so already (`piece_content`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import av
from av import VideoFrame

from recorder.codecs.depacketizer import EncodedFrame, depacketizer_for
from recorder.codecs.frame_formats import key_frame_start
from recorder.codecs.rtp_order import parse_rtp
from recorder.folder import SegmentFile, segment_files
from recorder.journal import Record, RecordKind, scan
from signaling.sink import TrackInfo

NS_PER_S = 1_000_000_000
# Looked back for a key frame: five minutes of sealed segments. Nobody who watches goes without one for longer.
LOOK_BACK_SEGMENTS = 100
LOOK_BACK_BYTES = 256 << 20
# Two pictures are one when their samples differ by less than this on average: rounding, not light.
SAME_MEAN = 0.6
SAMPLE_STEP = 101
_DECODERS = {"VP8": "vp8", "H264": "h264"}


def stands_still(folder: Path, number: int, *, lasting_s: float, until_segment: int) -> bool | None:
    """True when every picture of track `number` in its last `lasting_s` is the same; None when it cannot be decoded."""
    files = [file for file in segment_files(folder) if file.sealed and file.number <= until_segment]
    found = _since_key_frame(files[-LOOK_BACK_SEGMENTS:], number)
    if found is None:
        return None
    info, packets = found
    since_ns = packets[-1].at_ns - int(lasting_s * NS_PER_S)
    seen = [sample for at_ns, sample in _pictures(info, packets) if at_ns >= since_ns]
    if len(seen) < 2:
        return None
    return all(_is_same(before, after) for before, after in pairwise(seen)) and _is_same(seen[0], seen[-1])


def _since_key_frame(files: Sequence[SegmentFile], number: int) -> tuple[TrackInfo, list[Record]] | None:
    """The track and its packets from its last key frame on, read backwards."""
    packets: list[Record] = []
    size_bytes = 0
    for file in reversed(files):
        records = [item for item in scan(file.path.read_bytes()) if isinstance(item, Record)]
        own = [one for one in records if one.track == number and one.kind == RecordKind.PACKET]
        told = [one for one in records if one.track == number and one.kind == RecordKind.TRACK]
        packets = own + packets
        size_bytes += sum(len(one.payload) for one in own)
        if size_bytes > LOOK_BACK_BYTES or not told:
            return None
        info = TrackInfo(**told[0].json())
        begin = _last_key_frame(info.codec, own)
        if begin is not None:
            return info, packets[begin:]
    return None


def _last_key_frame(codec: str, packets: list[Record]) -> int | None:
    for index in range(len(packets) - 1, -1, -1):
        packet = parse_rtp(packets[index].payload, 0)
        if packet is not None and packet.payload and key_frame_start(codec, packet.payload)[0]:
            return index
    return None


def _pictures(info: TrackInfo, packets: list[Record]) -> Iterator[tuple[int, bytes]]:
    """(arrival, some of the luma samples) of every decoded picture."""
    depacketizer = depacketizer_for(info.codec)
    context = av.CodecContext.create(_DECODERS[info.codec], "r")
    context.thread_count = 1
    frames: list[EncodedFrame] = []
    for record in packets:
        frames += depacketizer.push(record.payload, record.at_ns)
    frames += depacketizer.flush()
    for frame in frames:
        try:
            for picture in context.decode(av.Packet(frame.data)):  # type: ignore[attr-defined]
                yield frame.at_ns, _sample(picture)
        except av.FFmpegError:
            continue  # a lost packet; the sizes already say that nothing moves


def _sample(picture: VideoFrame) -> bytes:
    return bytes(memoryview(picture.planes[0])[::SAMPLE_STEP])


def _is_same(before: bytes, after: bytes) -> bool:
    if len(before) != len(after) or not before:
        return False
    return sum(abs(one - other) for one, other in zip(before, after, strict=True)) / len(before) < SAME_MEAN
