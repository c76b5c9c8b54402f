"""A hearing to make films of: four people in 720p with three simulcast layers, recorded by the real recorder.

A clip of a few seconds is encoded once per layer and sent round and round by everybody, so that minutes of hearing cost
seconds to prepare. The same encoded frames go into Matroska files, which is what a recorder without layers would have,
for the baseline.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av import Packet, VideoFrame
from av.audio.codeccontext import AudioCodecContext
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext

from recorder.account.manifest import Manifest
from signaling.sink import TrackInfo
from tests.recorder.synthetic_hearing import NS_PER_S, Stage, rtp, vp8_payloads

PEOPLE = 4
RATE_HZ = 30
CLIP_S = 4
LAYERS = (("q", (320, 180), 150_000), ("h", (640, 360), 500_000), ("f", (1280, 720), 1_500_000))
TOP, FITTING = "f", "h"
# Coarse moving texture under camera noise: costs the encoders about what a face before a wall costs.
GRAIN = 24


@dataclass(frozen=True, slots=True)
class Clip:
    """Encoded frames by layer, first one a key frame, and Opus packets of 20 ms."""

    pictures: dict[str, list[bytes]]
    sounds: list[bytes]


def moving_picture(size: tuple[int, int], colour: tuple[int, int, int], *, phase: int) -> VideoFrame:
    """A textured picture that moves with `phase`, and fresh noise over it."""
    dice = random.Random(phase)
    small = VideoFrame(size[0] // GRAIN & ~1, size[1] // GRAIN & ~1, "yuv420p")
    still = random.Random(7)
    for plane, middle in zip(small.planes, colour, strict=True):
        row = bytes(max(16, min(235, middle + still.randrange(-40, 41))) for _ in range(plane.line_size * 4))
        shift = phase // 3 % plane.line_size
        plane.update((row * (plane.buffer_size // len(row) + 2))[shift : shift + plane.buffer_size])
    frame = small.reformat(*size, interpolation="BICUBIC")
    luma = memoryview(frame.planes[0])
    noise = dice.randbytes(4096)
    for _ in range(900):  # specks, as a cheap sensor has them
        at = dice.randrange(len(luma) - 8)
        luma[at : at + 4] = noise[at % 4000 : at % 4000 + 4]
    return frame


def make_clip(seconds: int = CLIP_S) -> Clip:
    """Encode the clip: about 1.5 s of a core per second."""
    count = seconds * RATE_HZ
    pictures: dict[str, list[bytes]] = {}
    whole = [moving_picture(LAYERS[-1][1], (110, 120, 140), phase=phase) for phase in range(count)]
    for layer, size, bit_rate in LAYERS:
        context = av.CodecContext.create("libvpx", "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = *size, "yuv420p"
        context.framerate, context.time_base = Fraction(RATE_HZ), Fraction(1, RATE_HZ)
        context.bit_rate, context.gop_size, context.thread_count = bit_rate, 10 * count, 2
        context.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
        frames = []
        for number, picture in enumerate(whole):
            scaled = picture.reformat(*size)
            scaled.pts, scaled.time_base = number, Fraction(1, RATE_HZ)
            frames.append(b"".join(bytes(packet) for packet in context.encode(scaled)))
        pictures[layer] = frames
    return Clip(pictures, _sounds(seconds))


def _sounds(seconds: int) -> list[bytes]:
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout, context.format = 48_000, "mono", "s16"
    context.bit_rate = 32_000
    context.options = {"application": "voip", "frame_duration": "20"}
    dice = random.Random(3)
    packets: list[bytes] = []
    for number in range(seconds * 50):
        frame = av.AudioFrame(format="s16", layout="mono", samples=960)
        loud = 3000 if number % 50 < 35 else 60
        values = (dice.randrange(-loud, loud + 1) for _ in range(240))
        frame.planes[0].update(b"".join(value.to_bytes(2, "little", signed=True) * 4 for value in values))
        frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets


class FilmedHearing:
    """Records the clip round and round, second by second, on a clock that stands where the play stands."""

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._clip = clip
        self._stage = Stage(folder)
        self._step = 0
        self._sequences: dict[str, int] = {}
        session, zero_ns = self._stage.session, self._stage.zero_ns
        session.mark(kind="opened", text="", at_ns=zero_ns)
        for person in range(PEOPLE):
            for info in _tracks(person):
                session.track_started(info, zero_ns)

    def play(self, seconds: float) -> None:
        """So much more of the hearing. In steps of 100 ms: three pictures and five sound packets of everybody."""
        session = self._stage.session
        for _ in range(round(seconds * 10)):
            at_ns = self._stage.zero_ns + self._step * NS_PER_S // 10
            self._stage.clock.now_ns = max(self._stage.clock.now_ns, at_ns)
            for person in range(PEOPLE):
                sound, *layers = _tracks(person)
                for index in range(5):
                    number = self._step * 5 + index
                    data = self._clip.sounds[number % len(self._clip.sounds)]
                    self._send(sound, data, number * 960, at_ns + index * 20_000_000, marker=False)
                for info in layers:
                    frames = self._clip.pictures[info.layer or ""]
                    for index in range(3):
                        number = self._step * 3 + index
                        frame, moment_ns = frames[number % len(frames)], at_ns + index * 33_333_333
                        for payload, is_last in vp8_payloads(frame):
                            self._send(info, payload, number * 3000, moment_ns, marker=is_last)
            self._step += 1
            if self._step % 20 == 0:
                self._stage.until_synced()
        session.mark(kind="note", text="", at_ns=self._stage.clock.now_ns)

    def close(self) -> Manifest:
        """The court closes, and the record is sealed."""
        self._stage.session.mark(kind="closed", text="", at_ns=self._stage.clock.now_ns)
        return self._stage.close()

    def _send(self, info: TrackInfo, payload: bytes, timestamp: int, at_ns: int, *, marker: bool) -> None:
        sequence = self._sequences.get(info.track_id, 0)
        self._sequences[info.track_id] = sequence + 1
        packet = rtp(info.payload_type, sequence, timestamp, info.ssrc, payload, marker=marker)
        self._stage.session.packet(info.track_id, packet, at_ns)


def _tracks(person: int) -> list[TrackInfo]:
    identity = f"per_{person}"
    tracks = [
        TrackInfo(f"a{person}", identity, "microphone", "audio", "opus", 48_000, person, None, 111, None)
    ]
    for index, (layer, _, _) in enumerate(LAYERS):
        ssrc = 100 + 10 * person + index
        tracks.append(
            TrackInfo(f"v{person}{layer}", identity, "camera", "video", "VP8", 90_000, ssrc, layer, 96, None)
        )
    return tracks


def write_matroska(path: Path, clip: Clip, layer: str, seconds: int) -> None:
    """One person's picture and sound in a file, the frames as they are."""
    size = next(size for name, size, _ in LAYERS if name == layer)
    with av.open(str(path), "w", format="matroska") as container:
        video = container.add_mux_stream("vp8", width=size[0], height=size[1])
        video.time_base = Fraction(1, 1000)
        audio = container.add_stream("libopus", rate=48_000, layout="mono")
        pictures, sounds = clip.pictures[layer], clip.sounds
        for step in range(seconds * 10):
            for index in range(3):
                number = step * 3 + index
                data = pictures[number % len(pictures)]
                _mux(container, video, data, round(number * 1000 / RATE_HZ), number % len(pictures) == 0)
            for index in range(5):
                number = step * 5 + index
                _mux(container, audio, sounds[number % len(sounds)], number * 20, True)


def _mux(container: OutputContainer, stream: av.stream.Stream, data: bytes, at_ms: int, is_key: bool) -> None:
    packet: Packet[av.stream.Stream] = Packet(data)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = at_ms
    packet.is_keyframe = is_key
    container.mux_one(packet)
