"""What one sealed segment really holds, line by line: is there sound, does the picture move.

For the watcher outside the recorder. Little is kept between segments, and little is decoded: the sound of those who
are asked for; and of pictures only the sizes of frames are looked at, until they say that nothing moves. An encoder
that sees the same picture again and again writes frames of one size; `still_picture` then decodes them to be sure.
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass, field
from math import log10

import av
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import CodecContext

from recorder.account.inventory import SegmentHeader
from recorder.codecs.depacketizer import OpusDepacketizer
from recorder.codecs.rtp_order import parse_rtp
from recorder.journal import Record, RecordKind, scan
from signaling.sink import TrackInfo

NS_PER_S = 1_000_000_000
# A talking person's frames differ by half and more (a camera's noise alone by a fifth); those of a picture that stands
# still are of one size, but for what the encoder's rate control does now and then.
STILL_SPREAD = 0.05
STILL_SPREAD_BYTES = 12
# For so long, and in so many frames, before it is worth decoding.
STILL_S = 8.0
STILL_FRAMES = 12
MAX_FRAMES = 1024
SILENCE_DBFS = -120.0


@dataclass(slots=True)
class LineContent:
    """One person's one source in a segment. `peak_dbfs`: None when it was not decoded; `broken`: undecodable packets.

    `still_track`: number of the track whose picture seems to stand still, 0 when none does.
    """

    identity: str
    source: str
    kind: str
    packets: int = 0
    peak_dbfs: float | None = None
    broken: int = 0
    still_track: int = 0


@dataclass(frozen=True, slots=True)
class PieceContent:
    """One segment. UTC in ns since 1970, of its first and last record of media or heartbeat."""

    segment: int
    from_utc_ns: int
    until_utc_ns: int
    lines: tuple[LineContent, ...]


@dataclass(slots=True)
class _Frames:
    """A video track's last frames, (monotonic ns, bytes) each; the one that is not complete yet stays outside."""

    done: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=MAX_FRAMES))
    timestamp: int = -1
    at_ns: int = 0
    size_bytes: int = 0

    def take(self, timestamp: int, at_ns: int, size_bytes: int) -> None:
        """One packet."""
        if timestamp != self.timestamp:
            if self.timestamp >= 0:
                self.done.append((self.at_ns, self.size_bytes))
            self.timestamp, self.at_ns, self.size_bytes = timestamp, at_ns, 0
        self.size_bytes += size_bytes

    def seem_still(self, last_ns: int) -> bool:
        """All frames of the last STILL_S are of one size."""
        since_ns = last_ns - int(STILL_S * NS_PER_S)
        while len(self.done) > 1 and self.done[1][0] <= since_ns:
            self.done.popleft()
        sizes = sorted(size for at_ns, size in self.done if at_ns > since_ns)
        if len(sizes) < STILL_FRAMES or self.done[0][0] > since_ns + NS_PER_S:
            return False
        spread = max(STILL_SPREAD * sizes[len(sizes) // 2], STILL_SPREAD_BYTES)
        # One frame may stand out: the key frame that a new viewer asked for.
        return sizes[-2] - sizes[0] <= spread


@dataclass(slots=True)
class ContentReader:
    """Reads a recording's segments in order; remembers live tracks and sizes of frames from one to the next."""

    _tracks: dict[int, TrackInfo] = field(default_factory=dict)
    _frames: dict[int, _Frames] = field(default_factory=dict)

    def read(self, data: bytes, *, listen_to: frozenset[str]) -> PieceContent | None:
        """One segment's bytes; sound of the people in `listen_to` is decoded. None when its header is damaged."""
        records = [item for item in scan(data) if isinstance(item, Record)]
        try:
            header = SegmentHeader.from_record(records[0])
        except (IndexError, ValueError):
            return None
        shift_ns = header.run.utc_ns - header.run.monotonic_ns
        told = [record.at_ns for record in records if record.kind in _TIMED and not record.repeated]
        last_ns = max(told, default=header.run.monotonic_ns)
        ended: set[int] = set()
        packets: dict[int, list[Record]] = {}
        for record in records:
            if record.kind == RecordKind.TRACK:
                self._tracks[record.track] = TrackInfo(**record.json())
            elif record.kind == RecordKind.TRACK_END:
                ended.add(record.track)
            elif record.kind == RecordKind.PACKET:
                packets.setdefault(record.track, []).append(record)
        lines = self._lines(packets, last_ns, listen_to)
        for number in ended:
            self._tracks.pop(number, None)
            self._frames.pop(number, None)
        first_ns = min(told, default=last_ns)
        return PieceContent(header.number, first_ns + shift_ns, last_ns + shift_ns, lines)

    def _lines(
        self, packets: dict[int, list[Record]], last_ns: int, listen_to: frozenset[str]
    ) -> tuple[LineContent, ...]:
        lines: dict[tuple[str, str], LineContent] = {}
        for number, info in self._tracks.items():
            line = lines.setdefault(
                (info.identity, info.source), LineContent(info.identity, info.source, info.kind)
            )
            own = packets.get(number, [])
            if not own:
                continue  # a layer at rest says nothing
            is_first, line.packets = line.packets == 0, line.packets + len(own)
            if info.kind == "video":
                is_still = self._seems_still(number, own, last_ns)
                # Of layers that send the liveliest speaks for the person; the last and smallest is the one to decode.
                line.still_track = number if is_still and (is_first or line.still_track) else 0
            elif info.identity in listen_to:
                peak_dbfs, broken = _listen(info, own)
                line.broken += broken
                line.peak_dbfs = max(SILENCE_DBFS if line.peak_dbfs is None else line.peak_dbfs, peak_dbfs)
        return tuple(lines.values())

    def _seems_still(self, number: int, own: list[Record], last_ns: int) -> bool:
        frames = self._frames.setdefault(number, _Frames())
        for record in own:
            packet = parse_rtp(record.payload, record.at_ns)
            if packet is not None and packet.payload:
                frames.take(packet.timestamp, record.at_ns, len(packet.payload))
        return frames.seem_still(last_ns)


_TIMED = frozenset({RecordKind.PACKET, RecordKind.HEARTBEAT, RecordKind.REPORT, RecordKind.EVENT})


def _listen(info: TrackInfo, own: list[Record]) -> tuple[float, int]:
    """(peak in dBFS, packets that could not be decoded) of a sound track's packets in one segment."""
    depacketizer = OpusDepacketizer(red_payload_type=info.red_payload_type)
    decoder, peak, broken = _new_decoder(), 0, 0
    for record in own:
        for frame in depacketizer.push(record.payload, record.at_ns):
            try:
                for decoded in decoder.decode(av.Packet(frame.data)):
                    samples = array("h")
                    samples.frombytes(memoryview(decoded.planes[0])[: 2 * decoded.samples])
                    peak = max(peak, max(samples, default=0), -min(samples, default=0))
            except av.FFmpegError:
                broken += 1
                decoder = _new_decoder()
    return (20 * log10(peak / 32768) if peak else SILENCE_DBFS), broken


def _new_decoder() -> AudioCodecContext:
    decoder = CodecContext.create("libopus", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    return decoder
