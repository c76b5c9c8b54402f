"""Synthetic parties for recorder tests: coloured pictures that flash and tones that beep at the same moment.

Pictures are VP8 or H.264, sound is Opus, both really encoded and packetised; the packets then arrive with the
clock skew, delay, jitter, loss and lies that a test asks for, at a `PacketSink`.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
from av import AudioFrame, VideoFrame
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from recorder.account.manifest import Manifest
from recorder.writing.session import RecordingSession
from signaling.sink import PacketSink, TrackInfo

NS_PER_S = 1_000_000_000
NTP_EPOCH_S = 2_208_988_800
MTU_BYTES = 1100
FLASH_S = 0.12
BEEP_AMPLITUDE = 9000

Colour = tuple[int, int, int]  # Y, U, V


@dataclass(frozen=True)
class Network:
    """How packets travel. Probabilities 0…1, times in ms."""

    delay_ms: float = 20
    jitter_ms: float = 0
    loss: float = 0
    reorder: float = 0
    duplicate: float = 0
    seed: int = 1


@dataclass(frozen=True)
class Actor:
    """One party. Times in seconds of the hearing; flashes and beeps at `first_flash_s` + n × `flash_every_s`."""

    identity: str
    colour: Colour
    tone_hz: int
    from_s: float = 0.0
    until_s: float = 6.0
    first_flash_s: float = 0.5
    flash_every_s: float = 1.0
    size: tuple[int, int] = (320, 240)
    rate_hz: int = 25
    codec: str = "VP8"
    camera: bool = True
    microphone: bool = True
    source: str = "camera"
    layer: str | None = None
    skew_ppm: float = 0
    sleeps: tuple[tuple[float, float], ...] = ()  # (from, until): nothing is sent and timestamps stand still
    resizes: tuple[tuple[float, tuple[int, int]], ...] = ()  # (from, size)
    mutes: tuple[tuple[float, float], ...] = ()  # the microphone sends nothing
    reports: bool = True
    key_every_s: float = 2.0
    bit_rate: int = 300_000
    network: Network = field(default_factory=Network)

    def colour_at(self, at_s: float) -> Colour:
        return (235, 128, 128) if self.is_flashing(at_s) else self.colour

    def tone_at(self, at_s: float) -> int:
        return self.tone_hz if self.is_flashing(at_s) else 0

    def is_flashing(self, at_s: float) -> bool:
        """Inside one of the flashes, which are also the beeps."""
        since = at_s - self.first_flash_s
        return since >= -1e-9 and since % self.flash_every_s < FLASH_S - 1e-9


@dataclass(order=True)
class Arrival:
    """Something reaches the recorder at `at_ns`."""

    at_ns: int
    order: int
    tell: Callable[[PacketSink, int], None] = field(compare=False)


def vp8_payloads(frame: bytes) -> Iterator[tuple[bytes, bool]]:
    """RFC 7741: one-byte descriptor, S bit on the first packet; (payload, is_last)."""
    parts = [frame[at : at + MTU_BYTES] for at in range(0, len(frame), MTU_BYTES)]
    for index, part in enumerate(parts):
        yield bytes([0x10 if index == 0 else 0x00]) + part, index == len(parts) - 1


def h264_payloads(frame: bytes) -> Iterator[tuple[bytes, bool]]:
    """RFC 6184: parameter sets in one STAP-A, large units in FU-A; (payload, is_last)."""
    units = [unit for unit in frame.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
    sets = [unit for unit in units if unit[0] & 31 in (7, 8)]
    rest = [unit for unit in units if unit[0] & 31 not in (6, 7, 8, 9)]
    payloads = []
    if sets:
        payloads.append(b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in sets))
    for unit in rest:
        if len(unit) <= MTU_BYTES:
            payloads.append(unit)
            continue
        body = unit[1:]
        parts = [body[at : at + MTU_BYTES] for at in range(0, len(body), MTU_BYTES)]
        for index, part in enumerate(parts):
            flags = (0x80 if index == 0 else 0) | (0x40 if index == len(parts) - 1 else 0)
            payloads.append(bytes([unit[0] & 0xE0 | 28, flags | unit[0] & 31]) + part)
    for index, payload in enumerate(payloads):
        yield payload, index == len(payloads) - 1


def rtp(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, *, marker: bool
) -> bytes:
    """One RTP packet."""
    head = bytes([0x80, (0x80 if marker else 0) | payload_type])
    return (
        head
        + (sequence & 0xFFFF).to_bytes(2, "big")
        + (timestamp & 0xFFFFFFFF).to_bytes(4, "big")
        + ssrc.to_bytes(4, "big")
        + payload
    )


def paint(size: tuple[int, int], colour: Colour) -> VideoFrame:
    """A picture of one colour."""
    frame = VideoFrame(*size, "yuv420p")
    for plane, value in zip(frame.planes, colour, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame


class _Pictures:
    """Encodes an actor's pictures one by one."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._size: tuple[int, int] | None = None
        self._context: VideoCodecContext | None = None
        self._count = 0

    def encode(self, at_s: float) -> bytes:
        actor = self._actor
        size = actor.size
        for from_s, new in actor.resizes:
            if at_s >= from_s:
                size = new
        if size != self._size or self._context is None:
            self._open(size)
        assert self._context is not None
        frame = paint(size, actor.colour_at(at_s))
        frame.pts, frame.time_base = self._count, Fraction(1, actor.rate_hz)
        self._count += 1
        return b"".join(bytes(packet) for packet in self._context.encode(frame))

    def _open(self, size: tuple[int, int]) -> None:
        name = {"VP8": "libvpx", "H264": "libx264"}[self._actor.codec]
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = *size, "yuv420p"
        context.framerate = Fraction(self._actor.rate_hz)
        context.time_base = Fraction(1, self._actor.rate_hz)
        context.bit_rate = self._actor.bit_rate
        context.gop_size = int(self._actor.key_every_s * self._actor.rate_hz)
        context.thread_count = 1
        context.options = (
            {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
            if name == "libvpx"
            else {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
        )
        self._context, self._size = context, size


class _Sounds:
    """Encodes an actor's voice in frames of 20 ms."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        context = av.CodecContext.create("libopus", "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate, context.layout, context.format = 48_000, "mono", "s16"
        context.bit_rate = 32_000
        context.options = {"application": "voip", "frame_duration": "20"}
        self._context = context
        self._count = 0

    def encode(self, at_s: float) -> bytes:
        actor = self._actor
        samples = array("h", bytes(1920))
        first = round(at_s * 48_000)
        for index in range(960):
            if tone_hz := actor.tone_at((first + index) / 48_000):
                phase = 2 * math.pi * tone_hz * (first + index) / 48_000
                samples[index] = int(BEEP_AMPLITUDE * math.sin(phase))
        frame = AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._count * 960, Fraction(1, 48_000)
        self._count += 1
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


def perform(actors: list[Actor], *, started_ns: int) -> list[Arrival]:
    """Everything the recorder sees of these actors, in order of arrival. `started_ns`: arrival clock at second 0."""
    arrivals: list[Arrival] = []
    for index, actor in enumerate(actors):
        ssrc = 1000 + 10 * index
        if actor.microphone:
            arrivals += _track(actor, "microphone", ssrc, started_ns)
        if actor.camera:
            arrivals += _track(actor, actor.source, ssrc + 1, started_ns)
    return sorted(arrivals)


def _info(actor: Actor, source: str, ssrc: int) -> TrackInfo:
    is_sound = source == "microphone"
    return TrackInfo(
        track_id=f"{actor.identity}-{source}-{ssrc}",
        identity=actor.identity,
        source=source,
        kind="audio" if is_sound else "video",
        codec="opus" if is_sound else actor.codec,
        clock_rate_hz=48_000 if is_sound else 90_000,
        ssrc=ssrc,
        layer=None if is_sound else actor.layer,
        payload_type=111 if is_sound else 96,
        red_payload_type=None,
    )


def _track(actor: Actor, source: str, ssrc: int, started_ns: int) -> list[Arrival]:
    info = _info(actor, source, ssrc)
    is_sound = info.kind == "audio"
    dice = random.Random(actor.network.seed * 1000 + ssrc)
    step_s = 0.02 if is_sound else 1 / actor.rate_hz
    encoder: _Sounds | _Pictures = _Sounds(actor) if is_sound else _Pictures(actor)
    sequence, first_timestamp = dice.randrange(65536), dice.randrange(1 << 32)
    out: list[Arrival] = []
    begun_ns = started_ns + int(actor.from_s * NS_PER_S)
    out.append(Arrival(begun_ns, 0, lambda sink, at: sink.track_started(info, at)))
    last_ns = begun_ns
    for count in range(round((actor.until_s - actor.from_s) * (1 + actor.skew_ppm * 1e-6) / step_s)):
        at_s = actor.from_s + count * step_s / (1 + actor.skew_ppm * 1e-6)
        if any(first <= at_s < last for first, last in actor.sleeps):
            continue
        slept_s = sum(last - first for first, last in actor.sleeps if at_s >= last)
        elapsed_s = at_s - actor.from_s - slept_s
        timestamp = first_timestamp + round(elapsed_s * (1 + actor.skew_ppm * 1e-6) * info.clock_rate_hz)
        if is_sound and any(first <= at_s < last for first, last in actor.mutes):
            encoder.encode(at_s)
            continue
        frame = encoder.encode(at_s)
        if is_sound:
            payloads: list[tuple[bytes, bool]] = [(frame, False)]
        else:
            payloads = list((vp8_payloads if actor.codec == "VP8" else h264_payloads)(frame))
        for payload, is_last in payloads:
            packet = rtp(info.payload_type, sequence, timestamp, ssrc, payload, marker=is_last)
            sequence += 1
            sent_ns = started_ns + int(at_s * NS_PER_S)
            for arrival_ns in _travel(actor.network, dice, sent_ns, last_ns):
                last_ns = max(last_ns, arrival_ns)
                out.append(_packet(info.track_id, packet, arrival_ns, len(out)))
        is_report_due = round(at_s / step_s) % max(round(1 / step_s), 1) == 0
        if actor.reports and is_report_due:
            sender_s = NTP_EPOCH_S + 1_790_000_000 + (at_s + 77) * (1 + actor.skew_ppm * 1e-6)
            ntp = int(sender_s) << 32 | int(sender_s % 1 * (1 << 32))
            report_ns = started_ns + int((at_s + actor.network.delay_ms / 1000) * NS_PER_S)
            out.append(_report(info.track_id, ntp, timestamp & 0xFFFFFFFF, report_ns, len(out)))
    if is_sound:
        for first, last in actor.mutes:
            for at_s, event in ((first, "muted"), (last, "unmuted")):
                out.append(_event(info.track_id, event, started_ns + int(at_s * NS_PER_S)))
    ended_ns = started_ns + int(actor.until_s * NS_PER_S)
    out.append(
        Arrival(max(ended_ns, last_ns), 1 << 30, lambda sink, at: sink.track_ended(info.track_id, at, "left"))
    )
    return out


def _packet(track_id: str, packet: bytes, at_ns: int, order: int) -> Arrival:
    return Arrival(at_ns, order, lambda sink, at: sink.packet(track_id, packet, at))


def _report(track_id: str, ntp: int, timestamp: int, at_ns: int, order: int) -> Arrival:
    return Arrival(at_ns, order, lambda sink, at: sink.sender_report(track_id, ntp, timestamp, at))


def _event(track_id: str, event: str, at_ns: int) -> Arrival:
    return Arrival(at_ns, 1 << 20, lambda sink, at: sink.track_event(track_id, event, at))


def _travel(network: Network, dice: random.Random, sent_ns: int, last_ns: int) -> Iterator[int]:
    if dice.random() < network.loss:
        return
    delay_ms = network.delay_ms + (dice.expovariate(1 / network.jitter_ms) if network.jitter_ms else 0)
    arrival_ns = sent_ns + int(delay_ms * 1e6)
    if dice.random() < network.reorder:
        arrival_ns += 60_000_000
    else:
        arrival_ns = max(arrival_ns, min(last_ns, arrival_ns + 30_000_000))
    yield arrival_ns
    if dice.random() < network.duplicate:
        yield arrival_ns + 3_000_000


def shifted(actor: Actor, **changes: object) -> Actor:
    """The same actor with some fields changed."""
    return replace(actor, **changes)  # type: ignore[arg-type]


class StageClock:
    """A machine's clocks that stand where the play stands: hours of hearing are recorded in seconds."""

    def __init__(
        self, *, monotonic_ns: int = 5_000 * NS_PER_S, utc_ns: int = 1_795_309_200 * NS_PER_S
    ) -> None:
        self.now_ns = self.started_ns = monotonic_ns
        self._utc_ns = utc_ns
        self.boot = "stage"

    def monotonic_ns(self) -> int:
        return self.now_ns

    def utc_ns(self) -> int:
        return self._utc_ns + self.now_ns - self.started_ns

    def boot_id(self) -> str:
        return self.boot


@dataclass(frozen=True)
class Order:
    """Something the court says at a second of the hearing."""

    at_s: float
    kind: str  # "recess", "closed_exhibit", "mediation", "resume"; any other is a mark: "opened", "sealed", …


class Stage:
    """Plays actors into a real RecordingSession. Second 0 is `LEAD_S` after the recording began."""

    LEAD_S = 0.25

    def __init__(self, folder: Path, clock: StageClock | None = None) -> None:
        self.folder = folder
        self.clock = clock or StageClock()
        self.session = RecordingSession.create(folder, recording_id="rec_stage", clock=self.clock)
        self.zero_ns = self.clock.now_ns + int(self.LEAD_S * NS_PER_S)

    def play(self, actors: list[Actor], orders: list[Order] | None = None) -> None:
        """Let everything arrive; seals as in life, because the clock moves with the play."""
        told = [_order(order, self.zero_ns, self.session) for order in orders or []]
        waited_ns = self.clock.now_ns
        for arrival in sorted([*perform(actors, started_ns=self.zero_ns), *told]):
            self.clock.now_ns = max(self.clock.now_ns, arrival.at_ns)
            arrival.tell(self.session, arrival.at_ns)
            if self.clock.now_ns - waited_ns > 2 * NS_PER_S:
                waited_ns = self.clock.now_ns
                self.until_synced()

    def until(self, at_s: float) -> None:
        """The clock goes on to a second of the hearing."""
        self.clock.now_ns = max(self.clock.now_ns, self.zero_ns + int(at_s * NS_PER_S))

    def close(self) -> Manifest:
        """Close the recording as the court does."""
        return asyncio.run(self.session.close())

    def until_synced(self) -> None:
        """Wait for the writer: what was played is on disk."""
        deadline = time.monotonic() + 20
        while self.session.proof().last_synced_age_s > 1 and time.monotonic() < deadline:
            time.sleep(0.02)


def _order(order: Order, zero_ns: int, session: RecordingSession) -> Arrival:
    def tell(_: PacketSink, at_ns: int) -> None:
        if order.kind in ("recess", "closed_exhibit", "mediation"):
            session.pause(code=order.kind, at_ns=at_ns)
        elif order.kind == "resume":
            session.resume(at_ns=at_ns)
        else:
            session.mark(kind=order.kind, text="", at_ns=at_ns)

    return Arrival(zero_ns + int(order.at_s * NS_PER_S), -1, tell)
