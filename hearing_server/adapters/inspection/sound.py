"""Untrusted recordings of voices: decoded whole, written again as AAC in MP4, with a waveform for the eye.

Browsers record what others can't play (WebM on Android, which iPhones refuse; MP4 without an index on iPhones), so
everybody hears one form: mono, 48 kHz, AAC, index first. Loudness is left alone: how softly somebody spoke may matter.
Runs in the inspection's child process: nothing here waits, and nothing trusts what a header says about length.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import mul
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from hearing_server.errors import Invalid

# A voice message is a minute; a recorded telephone call that is evidence may be longer.
MAX_DURATION_MS = 600_000
WAVEFORM_VALUES = 64
# What every phone since 2010 plays, and twice what speech needs.
_RATE_HZ = 48_000
_BIT_RATE = 64_000
# AAC codes so many samples at a time; other frames are refused by the encoder.
_AAC_SAMPLES = 1024
# Containers that hold one recording and name no other file: playlists and concatenations stay shut out.
_CONTAINERS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,ogg,mp3,wav,flac,aac,amr"
_CODECS = (
    "opus,vorbis,aac,aac_fixed,mp3float,mp3,flac,alac,amrnb,amrwb,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s32le,pcm_f32le,pcm_u8,pcm_alaw,pcm_mulaw"
)
_OPTIONS: Mapping[str, str] = {
    "format_whitelist": _CONTAINERS,
    "codec_whitelist": _CODECS,
    "protocol_whitelist": "file",
}
_MAX_CHANNELS = 8
# Loudness needs no treble: a sixth of the samples, so that ten minutes are measured in half a second of plain Python.
_METER_RATE_HZ = 8_000
# Blocks of 20 ms: short enough that a syllable shows, 30,000 of them at most.
_BLOCK = _METER_RATE_HZ // 50
_FULL_SCALE = 32_768
# What the eye takes for silence: quieter than this is a line, a full-scale tone is a whole bar.
_QUIETEST_DB = -50.0


@dataclass(frozen=True, slots=True)
class Sound:
    """What was found: length of what is really there, and 64 loudnesses from 0 (still) to 100 (full scale)."""

    duration_ms: int
    waveform: tuple[int, ...]


def normalise(source: Path, target: Path) -> Sound:
    """Write `source` to `target` as mono AAC in MP4; `source` is never changed.

    Errors: Invalid `sound.unreadable`, `.missing` (no sound in it), `.too_long`. `target` is then not to be used.
    """
    try:
        with av.open(str(source), options=dict(_OPTIONS), timeout=(10.0, 10.0)) as container:
            return _convert(container, target)
    except (av.FFmpegError, EOFError, ValueError, ArithmeticError) as error:
        raise _unreadable() from error


def _convert(container: InputContainer, target: Path) -> Sound:
    stream = _voice(container)
    meter = _Meter()
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        coded = output.add_stream("aac", rate=_RATE_HZ, layout="mono", bit_rate=_BIT_RATE)
        for frame in _samples(container, stream):
            frame.pts = None
            meter.take(frame)
            output.mux(coded.encode(frame))
        if meter.samples == 0:
            raise _unreadable()
        output.mux(coded.encode(None))
    return Sound(max(1, round(meter.samples * 1000 / _RATE_HZ)), meter.waveform())


def _voice(container: InputContainer) -> AudioStream:
    if not container.streams.audio:
        raise Invalid(
            "sound.missing",
            zh="文件里没有声音，请重新录制",
            en="There is no sound in it; please record again",
        )
    stream = container.streams.audio[0]
    if not 1 <= stream.codec_context.channels <= _MAX_CHANNELS:
        raise _unreadable()
    # One core is everybody's: no second thread for a minute of speech.
    stream.codec_context.thread_type = "NONE"
    return stream


def _samples(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Frames of the encoder's length, as floats at 48 kHz; counted here, whatever the header promised."""
    # Whole numbers first: mixed down as floats, two equal channels would come out half as loud again.
    mixer = AudioResampler(format="s16", layout="mono", rate=_RATE_HZ)
    framer = AudioResampler(format="fltp", layout="mono", rate=_RATE_HZ, frame_size=_AAC_SAMPLES)
    limit, given, source_samples = MAX_DURATION_MS * _RATE_HZ // 1000, 0, 0
    for decoded in container.decode(stream):
        source_samples += decoded.samples
        if source_samples > MAX_DURATION_MS * max(decoded.sample_rate, 1) // 1000:
            raise _too_long()
        # Gaps and steps in the sender's time stamps are no sound.
        decoded.pts = None
        for mixed in mixer.resample(decoded):
            given += mixed.samples
            if given > limit:
                raise _too_long()
            mixed.pts = None
            yield from framer.resample(mixed)
    for mixed in mixer.resample(None):
        mixed.pts = None
        yield from framer.resample(mixed)
    yield from framer.resample(None)


class _Meter:
    """Loudness of 20 ms blocks, gathered while the samples pass."""

    def __init__(self) -> None:
        self.samples = 0
        self._resampler = AudioResampler(format="s16", layout="mono", rate=_METER_RATE_HZ)
        self._rest = array("h")
        self._powers: list[float] = []

    def take(self, frame: AudioFrame) -> None:
        self.samples += frame.samples
        for slower in self._resampler.resample(frame):
            self._rest.frombytes(bytes(slower.planes[0])[: slower.samples * self._rest.itemsize])
        count = len(self._rest) // _BLOCK
        for start in range(0, count * _BLOCK, _BLOCK):
            self._powers.append(_power(self._rest[start : start + _BLOCK]))
        del self._rest[: count * _BLOCK]

    def waveform(self) -> tuple[int, ...]:
        """64 values over the whole length: the loudest block of each part, on a scale of decibels as ears have it."""
        powers = [*self._powers, *([_power(self._rest)] if self._rest else [])] or [0.0]
        values = []
        for place in range(WAVEFORM_VALUES):
            begin = place * len(powers) // WAVEFORM_VALUES
            end = max(begin + 1, (place + 1) * len(powers) // WAVEFORM_VALUES)
            decibels = 10 * math.log10(max(*powers[begin:end], 1e-10, 0.0))
            values.append(max(0, min(100, round(100 * (1 - decibels / _QUIETEST_DB)))))
        return tuple(values)


def _power(samples: array[int]) -> float:
    """Mean square, 1 for full scale."""
    total: int = sum(map(mul, samples, samples))
    return total / (len(samples) * _FULL_SCALE**2)


def _unreadable() -> Invalid:
    return Invalid(
        "sound.unreadable",
        zh="语音已损坏或格式不支持，请重新录制",
        en="The recording is damaged or of an unknown kind; please record again",
    )


def _too_long() -> Invalid:
    return Invalid(
        "sound.too_long",
        zh=f"语音超过 {MAX_DURATION_MS // 60_000} 分钟，请分段发送",
        en=f"The recording is longer than {MAX_DURATION_MS // 60_000} minutes; please send it in parts",
    )
