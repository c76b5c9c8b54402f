"""Decodes the pictures of one source along its plan of layers. Bounded: frames wait encoded, one is decoded."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import av
from av import VideoFrame
from av.codec.context import CodecContext, Flags
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter

from recorder.codecs.depacketizer import Depacketizer, EncodedFrame, depacketizer_for
from recorder.film.layers import Showing
from recorder.film.survey import TrackStory
from recorder.withheld import NOTHING, Spans

_DECODERS = {"VP8": "vp8", "H264": "h264"}
# Nothing a browser sends comes near; a header that says more is an attack on memory.
MAX_PICTURE_PX = 4096 * 2304


@dataclass(slots=True)
class PictureStream:
    """One track being decoded. It may pass from one section's player to the next one's: its decoder stays warm.

    `next_place`: the first record of the journal it has not been fed.
    """

    codec: str
    depacketizer: Depacketizer
    next_place: tuple[int, int]
    showings: deque[Showing] = field(default_factory=deque)
    waiting: deque[tuple[int, EncodedFrame]] = field(default_factory=deque)
    decoder: VideoCodecContext | None = None
    shown: VideoFrame | None = None
    shown_ns: int = 0
    hidden_ns: int = -1
    broken_frames: int = 0
    has_ended: bool = False


def new_stream(codec: str, next_place: tuple[int, int]) -> PictureStream:
    """A stream that begins cold at a place of the journal."""
    return PictureStream(codec, depacketizer_for(codec), next_place)


class PicturePlayer:
    """The pictures of one identity and source. Feed packets in order of arrival, then `advance` film time.

    What arrived or was taken within `hidden` is decoded, because later pictures build on it, and never shown.
    """

    def __init__(
        self,
        stories: Mapping[int, TrackStory],
        showings: Sequence[Showing],
        streams: Mapping[int, PictureStream],
        hidden: Spans = NOTHING,
    ) -> None:
        self._showings = showings
        self._hidden = hidden
        self._stories = stories
        self._streams = {number: streams[number] for number in {showing.track for showing in showings}}
        for number, stream in self._streams.items():
            stream.showings = deque(showing for showing in showings if showing.track == number)
            # The clock of this section may see a frame that waits a little elsewhere than the one before did.
            stream.waiting = deque((self._hearing_ns(number, frame), frame) for _, frame in stream.waiting)
        self.reformatter = VideoReformatter()
        self.frame: VideoFrame | None = None
        self.frame_ns = 0
        # The newest picture may not be shown: the box stays empty until one comes that may.
        self.is_hidden = False

    @property
    def tracks(self) -> set[int]:
        """Numbers of the tracks this player wants packets of."""
        return set(self._streams)

    @property
    def broken_frames(self) -> int:
        """Frames that were whole by RTP and still could not be decoded."""
        return sum(stream.broken_frames for stream in self._streams.values())

    @property
    def dropped_frames(self) -> int:
        """Frames not shown because something before them was missing."""
        return sum(stream.depacketizer.loss.dropped_frames for stream in self._streams.values())

    def ended_ns(self, track: int) -> int:
        """When the track ended; far away as long as it lives."""
        known = self._stories[track].track
        return known.ended_ns if known.end_cause else 1 << 62

    def feed(self, track: int, raw: bytes, at_ns: int) -> None:
        """One packet of one of `tracks`."""
        for frame in self._streams[track].depacketizer.push(raw, at_ns):
            self._keep(track, frame)

    def end(self, track: int) -> None:
        """The track has ended: what waits for a hole to fill comes out."""
        self._streams[track].has_ended = True
        for frame in self._streams[track].depacketizer.flush():
            self._keep(track, frame)

    def advance(self, at_ns: int) -> bool:
        """Decode up to a film moment. True when `frame` is a new picture."""
        showing = self._showing(at_ns)
        before = self.frame_ns, self.frame
        for stream in self._streams.values():
            self._decode_until(stream, at_ns)
        if showing is not None:
            stream = self._streams[showing.track]
            if stream.shown is not None and stream.shown_ns >= self.frame_ns:
                self.frame, self.frame_ns, self.is_hidden = stream.shown, stream.shown_ns, False
            elif stream.hidden_ns >= self.frame_ns:
                self.frame, self.frame_ns, self.is_hidden = None, stream.hidden_ns, True
        return (self.frame_ns, self.frame) != before

    def _hearing_ns(self, track: int, frame: EncodedFrame) -> int:
        return self._stories[track].clock.hearing_ns(frame.rtp_timestamp, frame.at_ns)

    def _keep(self, track: int, frame: EncodedFrame) -> None:
        self._streams[track].waiting.append((self._hearing_ns(track, frame), frame))

    def _showing(self, at_ns: int) -> Showing | None:
        index = bisect_right(self._showings, at_ns, key=lambda showing: showing.from_ns) - 1
        return self._showings[index] if index >= 0 else None

    def _decode_until(self, stream: PictureStream, at_ns: int) -> None:
        while stream.waiting and stream.waiting[0][0] <= at_ns:
            hearing_ns, frame = stream.waiting.popleft()
            while stream.showings and stream.showings[0].until_ns < hearing_ns:
                stream.showings.popleft()
            if stream.showings and stream.showings[0].decode_from_ns <= hearing_ns:
                self._decode(stream, hearing_ns, frame)
            else:
                stream.decoder = None  # the next wanted frame is a key frame

    def _decode(self, stream: PictureStream, hearing_ns: int, frame: EncodedFrame) -> None:
        if frame.after_hole or (frame.is_key and stream.broken_frames and stream.decoder is None):
            stream.decoder = None
        if stream.decoder is None:
            if not frame.is_key:
                return
            stream.decoder = _new_decoder(stream.codec)
        if frame.size_px is not None and frame.size_px[0] * frame.size_px[1] > MAX_PICTURE_PX:
            stream.broken_frames += 1
            stream.decoder = None
            return
        try:
            decoded = stream.decoder.decode(av.Packet(frame.data))
        except av.FFmpegError:
            stream.broken_frames += 1
            stream.decoder = None
            return
        if not decoded:
            return
        if self._hidden.holds(hearing_ns) or self._hidden.holds(frame.at_ns):
            stream.shown, stream.hidden_ns = None, hearing_ns
        else:
            stream.shown, stream.shown_ns = decoded[-1], hearing_ns


def _new_decoder(codec: str) -> VideoCodecContext:
    decoder = CodecContext.create(_DECODERS[codec.upper()], "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1  # more threads delay the picture by as many frames
    decoder.flags |= Flags.low_delay
    return decoder
