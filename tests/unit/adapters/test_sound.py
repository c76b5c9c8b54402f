"""Voices from strangers: every browser's kind becomes AAC in MP4; what is broken, endless or no sound is refused."""

from __future__ import annotations

import hashlib
import math
from array import array
from pathlib import Path

import av
import pytest
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream

from hearing_server.adapters.inspection import sound
from hearing_server.adapters.inspection.sound import WAVEFORM_VALUES, normalise
from hearing_server.errors import Invalid

# (container, codec, rate, channels): Android, iPhone, Firefox, a telephone's recorder, a studio.
KINDS = {
    "webm": ("webm", "libopus", 48_000, 1),
    "mp4": ("mp4", "aac", 44_100, 1),
    "ogg": ("ogg", "libopus", 48_000, 2),
    "mp3": ("mp3", "libmp3lame", 22_050, 1),
    "wav": ("wav", "pcm_s16le", 8_000, 2),
}


def recording(path: Path, kind: str, seconds: float, *, pitch_hz: float = 440.0) -> Path:
    """A second of silence for each second of tone, in turn."""
    container, codec, rate, channels = KINDS[kind]
    samples = array("h")
    for number in range(int(seconds * rate)):
        is_tone = (number // rate) % 2 == 0
        loud = round(16_384 * math.sin(2 * math.pi * pitch_hz * number / rate)) if is_tone else 0
        samples.extend([loud] * channels)
    layout = "mono" if channels == 1 else "stereo"
    frame = av.AudioFrame(format="s16", layout=layout, samples=len(samples) // channels)
    frame.sample_rate = rate
    frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, AudioStream)
        coder = stream.codec_context
        coder.open()
        resampler = av.AudioResampler(coder.format, layout, rate, frame_size=coder.frame_size or 960)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            piece.pts = None
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_normalise__each_kind__is_aac_in_mp4_of_the_same_length(tmp_path: Path, kind: str) -> None:
    source = recording(tmp_path / "source", kind, 4.0)
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    found = normalise(source, tmp_path / "out.mp4")
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before
    assert found.duration_ms == pytest.approx(4000, abs=120)
    assert len(found.waveform) == WAVEFORM_VALUES
    # Tone, silence, tone, silence: the eye sees four quarters.
    quarters = [max(found.waveform[start + 3 : start + 13]) for start in (0, 16, 32, 48)]
    assert min(quarters[0], quarters[2]) > 60
    assert max(quarters[1], quarters[3]) < 25
    content = (tmp_path / "out.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), (
        "the index comes first: a phone plays while it loads"
    )
    with av.open(str(tmp_path / "out.mp4")) as made:
        (stream,) = made.streams
        codec = stream.codec_context
        assert isinstance(codec, AudioCodecContext)
        assert (codec.name, codec.sample_rate) == ("aac", 48_000)
        heard = array("f")
        for frame in made.decode(audio=0):
            heard.frombytes(bytes(frame.planes[0])[: frame.samples * 4])
    assert len(heard) / 48_000 == pytest.approx(4.0, abs=0.15)
    # The loudness is the sender's: half scale in, half scale out.
    tone = heard[4800:43_000]
    assert math.sqrt(sum(one * one for one in tone) / len(tone)) == pytest.approx(
        0.5 / math.sqrt(2), rel=0.12
    )


def test_normalise__picture_beside_the_sound__is_left_out(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "film.mp4"), "w", format="mp4") as output:
        picture = output.add_stream("mpeg4", rate=5, width=64, height=48, pix_fmt="yuv420p")
        output.mux(picture.encode(av.VideoFrame(64, 48, "yuv420p")))
        output.mux(picture.encode(None))
    with pytest.raises(Invalid, match=r"sound\.missing"):
        normalise(tmp_path / "film.mp4", tmp_path / "out.mp4")


HOSTILE = {
    "nothing": b"",
    "words": b"This is no sound at all.\n" * 50,
    "a playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "a list of files": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a description": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\nc=IN IP4 127.0.0.1\n",
    "half a header": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_normalise__no_sound__is_refused(tmp_path: Path, what: str) -> None:
    (tmp_path / "source.m3u8").write_bytes(HOSTILE[what])
    with pytest.raises(Invalid, match=r"sound\.(unreadable|missing)"):
        normalise(tmp_path / "source.m3u8", tmp_path / "out.mp4")


def test_normalise__bytes_flipped_or_cut__refuses_or_plays_and_never_breaks(tmp_path: Path) -> None:
    whole = recording(tmp_path / "whole", "webm", 0.4).read_bytes()
    answers = set()
    for place in range(0, len(whole), max(1, len(whole) // 10)):
        flipped = bytearray(whole)
        flipped[place] ^= 0xFF
        for content in (bytes(flipped), whole[:place]):
            (tmp_path / "broken").write_bytes(content)
            try:
                answers.add(f"{normalise(tmp_path / 'broken', tmp_path / 'out.mp4').duration_ms > 0}")
            except Invalid as refused:
                answers.add(refused.code)
    assert answers <= {"True", "sound.unreadable", "sound.missing"}
    assert "sound.unreadable" in answers


def test_normalise__longer_than_allowed__is_refused_by_what_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "MAX_DURATION_MS", 1500)
    with pytest.raises(Invalid, match="too_long"):
        normalise(recording(tmp_path / "long", "webm", 2.0), tmp_path / "out.mp4")
    assert normalise(recording(tmp_path / "short", "webm", 1.2), tmp_path / "out.mp4").duration_ms < 1500
