"""Places each person's voice on the hearing clock and mixes the voices. Silence is written as silence.

48 kHz, mono, 16 bit. A voice whose device clock drifts is stretched by single samples; where sound is missing
there is silence of exactly that length, and what comes after it stands where it was said.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence
from operator import add

import av
from av import AudioFrame
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import CodecContext

from recorder.codecs.depacketizer import EncodedFrame, OpusDepacketizer
from recorder.film.survey import TrackStory
from recorder.film.timeline import FILM_RATE_HZ
from recorder.withheld import NOTHING, Spans

SOUND_RATE_HZ = 48_000
CHUNK_SAMPLES = SOUND_RATE_HZ // FILM_RATE_HZ
# What Opus encoders look ahead by default (libopus at 48 kHz): the decoded sound is later by this.
OPUS_DELAY_SAMPLES = 312
# Below this a difference is jitter of the clock's curve, above it the voice is stretched back…
DRIFT_SAMPLES = SOUND_RATE_HZ // 1000
# …by at most 0.4 %, which nobody hears…
STRETCH_SHARE = 240
# …and beyond this it is placed anew: something was missing.
JUMP_SAMPLES = SOUND_RATE_HZ * 60 // 1000
# A voice counts as speaking above -40 dBFS.
SPEAKING_PEAK = 328
MAX_WAITING_CHUNKS = 4096

_FULL = 32767
# -1 dBFS: what a lossy encoder may add on top without clipping.
LIMIT = 29204
# The gain comes back within a quarter of a second.
_RELEASE_PER_CHUNK = 0.16


def sample_at(hearing_ns: int) -> int:
    """Index of the 48 kHz sample at a hearing time."""
    return hearing_ns * SOUND_RATE_HZ // 1_000_000_000


def ns_at(samples: int) -> int:
    """Length of so many samples at 48 kHz."""
    return samples * 1_000_000_000 // SOUND_RATE_HZ


class VoicePlayer:
    """One audio track. Feed packets in order of arrival, then `take` chunks in order of hearing time.

    What arrived, was sent or would stand within `silent` is decoded, so that the voice goes on well, and never heard.
    """

    def __init__(self, story: TrackStory, silent: Spans = NOTHING) -> None:
        self._story = story
        self._silent = silent
        self._depacketizer = OpusDepacketizer(red_payload_type=story.track.info.red_payload_type)
        self._decoder = _new_decoder()
        self._waiting: deque[tuple[int, array[int]]] = deque()
        self._end: int | None = None
        self._next_rtp: int | None = None
        self._taken = 0
        self.broken_frames = 0
        self.late_samples = 0

    @property
    def restored_packets(self) -> int:
        """Lost packets put back from the repeats inside others."""
        return self._depacketizer.loss.restored_packets

    def feed(self, raw: bytes, at_ns: int) -> None:
        """One packet of the track."""
        for frame in self._depacketizer.push(raw, at_ns):
            self._place(frame)

    def end(self) -> None:
        """The track has ended: what waits for a hole to fill comes out."""
        for frame in self._depacketizer.flush():
            self._place(frame)

    def skip_to(self, first_sample: int) -> None:
        """Nothing before this will be taken."""
        self._taken = max(self._taken, first_sample)
        while self._waiting and self._waiting[0][0] + len(self._waiting[0][1]) <= first_sample:
            self._waiting.popleft()

    def take(self, first_sample: int, count: int = CHUNK_SAMPLES) -> array[int] | None:
        """`count` samples from `first_sample` on; None for silence. Everything before is forgotten."""
        end = first_sample + count
        self._taken = end
        chunk: array[int] | None = None
        while self._waiting and self._waiting[0][0] < end:
            start, samples = self._waiting[0]
            skip = max(first_sample - start, 0)
            part = samples[skip : max(end - start, 0)]
            if part:
                if chunk is None:
                    chunk = array("h", bytes(2 * count))
                at = max(start - first_sample, 0)
                chunk[at : at + len(part)] = part
            if start + len(samples) > end:
                break
            self._waiting.popleft()
        return chunk

    def _place(self, frame: EncodedFrame) -> None:
        samples = self._decode(frame)
        if not samples:
            return
        hearing_ns = self._story.clock.hearing_ns(frame.rtp_timestamp, frame.at_ns)
        start = sample_at(hearing_ns) - OPUS_DELAY_SAMPLES
        if self._end is not None:
            drift = start - self._end
            if frame.rtp_timestamp == self._next_rtp and abs(drift) < JUMP_SAMPLES:
                start = self._end
                if abs(drift) > DRIFT_SAMPLES:
                    most = max(len(samples) // STRETCH_SHARE, 1)
                    samples = stretched(samples, len(samples) + max(-most, min(most, drift)))
            elif drift < 0:
                samples = samples[-drift:]
                start = self._end
        self._next_rtp = frame.rtp_timestamp + frame.duration_rtp
        if not samples:
            return
        self._end = start + len(samples)
        if self._end <= self._taken or len(self._waiting) >= MAX_WAITING_CHUNKS:
            self.late_samples += len(samples)
            return
        if self._silent and self._is_silent(frame.at_ns, hearing_ns, start, len(samples)):
            return
        self._waiting.append((start, samples))

    def _is_silent(self, arrived_ns: int, sent_ns: int, start: int, count: int) -> bool:
        """By any of its three times; a frame that only touches a silent span is silent."""
        placed_ns, lasts_ns = ns_at(start), ns_at(count)
        return (
            self._silent.holds(arrived_ns)
            or self._silent.meets(sent_ns - ns_at(OPUS_DELAY_SAMPLES), sent_ns + lasts_ns)
            or self._silent.meets(placed_ns, placed_ns + lasts_ns)
        )

    def _decode(self, frame: EncodedFrame) -> array[int]:
        samples = array("h")
        try:
            for decoded in self._decoder.decode(av.Packet(frame.data)):
                samples.frombytes(memoryview(decoded.planes[0])[: 2 * decoded.samples])
        except av.FFmpegError:
            self.broken_frames += 1
            self._decoder = _new_decoder()
        return samples


def stretched(samples: array[int], count: int) -> array[int]:
    """The same sound in `count` samples, linearly interpolated. For a few samples more or less."""
    last = len(samples) - 1
    if last < 1 or count < 2:
        return samples
    step = last / (count - 1)
    out = array("h", samples[:1])
    for index in range(1, count - 1):
        at = index * step
        left = int(at)
        out.append(int(samples[left] + (samples[left + 1] - samples[left]) * (at - left)))
    out.append(samples[last])
    return out


def is_speaking(chunk: array[int] | None) -> bool:
    """A rough level, from every sixteenth sample."""
    return chunk is not None and max(chunk[::16]) > SPEAKING_PEAK


class Mixer:
    """Adds voices and limits the sum to `LIMIT`, looking one chunk ahead so that the gain never steps."""

    def __init__(self) -> None:
        self._pending: list[int] | array[int] | None = None
        self._pending_gain = 1.0
        self._edge_gain = 1.0

    def mix(self, voices: Sequence[array[int]]) -> array[int] | None:
        """Take one chunk of voices; gives back the chunk before it (None the first time)."""
        total: list[int] | array[int]
        if not voices:
            total = array("h", bytes(2 * CHUNK_SAMPLES))
        else:
            total = voices[0]
            for voice in voices[1:]:
                total = list(map(add, total, voice))
        peak = max(max(total), -min(total)) if voices else 0
        return self._push(total, LIMIT / peak if peak > LIMIT else 1.0)

    def flush(self) -> array[int] | None:
        """The last chunk."""
        return self._push(array("h", bytes(2 * CHUNK_SAMPLES)), 1.0)

    def _push(self, total: list[int] | array[int], gain: float) -> array[int] | None:
        done = None
        edge = min(self._pending_gain, gain, self._edge_gain + _RELEASE_PER_CHUNK)
        if self._pending is not None:
            done = _with_gain(self._pending, self._edge_gain, edge)
        self._edge_gain = edge
        self._pending, self._pending_gain = total, gain
        return done


def _with_gain(samples: list[int] | array[int], first: float, last: float) -> array[int]:
    if first >= 1.0 and last >= 1.0:
        return samples if isinstance(samples, array) else array("h", samples)
    step = (last - first) / len(samples)
    return array(
        "h", [max(-_FULL, min(_FULL, int(value * (first + step * i)))) for i, value in enumerate(samples)]
    )


def sound_frame(chunk: array[int]) -> AudioFrame:
    """A chunk as a frame for the encoder."""
    frame = AudioFrame(format="s16", layout="mono", samples=len(chunk))
    frame.planes[0].update(chunk.tobytes())
    frame.sample_rate = SOUND_RATE_HZ
    return frame


def _new_decoder() -> AudioCodecContext:
    decoder = CodecContext.create("libopus", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.sample_rate = SOUND_RATE_HZ
    decoder.layout = "mono"  # libopus mixes a stereo packet down by itself
    return decoder
