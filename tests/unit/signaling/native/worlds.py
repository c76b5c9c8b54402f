"""One world, two sides: random publishers, a bad network, a moody viewer, and every byte compared."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from struct import pack

from signaling.native.build import Native
from signaling.native.twin import NativeRewriter, NativeStream
from signaling.rtp.extensions import build_block
from signaling.rtp.packet import Codec, MediaPacket
from signaling.rtp.rewriter import Rewriter, RewriterSettings
from signaling.rtp.stream import IncomingStream
from signaling.rtp.temporal import shares_of
from tests.unit.rtp.streams import TEMPORAL_PATTERN, rtp, vp8_payload

MAIN_TYPE, RED_TYPE, LEVEL_ID = 96, 63, 3
CLOCK_HZ = {Codec.OPUS: 48000, Codec.VP8: 90000, Codec.H264: 90000}


@dataclass
class Publisher:
    """One SSRC that sends well-formed media of one codec, in all the shapes that codec has."""

    rng: random.Random
    codec: Codec
    ssrc: int
    sequence: int = 0
    timestamp: int = 0
    picture_id: int = 0
    tl0_index: int = 0
    frames: int = 0

    def __post_init__(self) -> None:
        rng = self.rng
        self.sequence = rng.choice((65500, 0, rng.randrange(65536)))
        self.timestamp = rng.choice((0xFFFFA000, rng.randrange(1 << 32)))
        self.picture_id = rng.choice((32750, 120, rng.randrange(1 << 15)))
        self.tl0_index = rng.randrange(256)
        self.shape = rng.choice(("full", "full", "full", "short", "picture", "none"))

    def frame(self) -> list[bytes]:
        """The packets of the next frame, of an adequate number."""
        rng = self.rng
        self.frames += 1
        if rng.random() < 0.02:  # the sender restarts its numbers
            self.sequence = self.sequence + rng.randrange(1, 40_000) & 0xFFFF
        is_key = self.frames == 1 or rng.random() < 0.08
        packets = 1 if self.codec is Codec.OPUS else rng.randrange(1, 5)
        payloads = [self._payload(is_key, at, packets) for at in range(packets)]
        if rng.random() < 0.05:
            payloads.append(b"")
        if rng.random() < 0.02:
            payloads = [b"", b"", *payloads]
        made = [self._packet(payload, at == len(payloads) - 1) for at, payload in enumerate(payloads)]
        self.timestamp = self.timestamp + CLOCK_HZ[self.codec] // 40 & 0xFFFFFFFF
        self.picture_id = self.picture_id + 1 & 0x7FFF
        return made

    def _packet(self, payload: bytes, is_last: bool) -> bytes:
        rng = self.rng
        is_red = rng.random() < (0.4 if self.codec is Codec.OPUS else 0.02)  # pictures never: hostile
        if is_red and payload:
            payload = _with_redundancy(rng, payload)
        level = bytes([LEVEL_ID << 4, rng.randrange(256), 0, 0])
        block = rng.choice((b"", b"\xbe\xde\x00\x01" + level, b"\x10\x00\x00\x01\x03\x01\x55\x00"))
        if rng.random() < 0.02:  # at the limit, and just beyond
            words = rng.choice((32, 33))
            block = b"\xbe\xde" + words.to_bytes(2, "big") + bytes(4 * words - 4) + level
        made = rtp(
            sequence=self.sequence,
            timestamp=self.timestamp,
            ssrc=self.ssrc,
            payload=payload,
            payload_type=RED_TYPE if is_red else MAIN_TYPE,
            marker=is_last,
            extension=block,
            padding=rng.randrange(1, 255) if not payload or rng.random() < 0.05 else 0,
        )
        self.sequence = self.sequence + 1 & 0xFFFF
        return made

    def _payload(self, is_key: bool, at: int, packets: int) -> bytes:
        body = pack("!II", self.frames, at) + self.rng.randbytes(self.rng.randrange(40))
        if self.codec is Codec.OPUS:
            return body
        if self.codec is Codec.H264:
            return _h264(self.rng, is_key and at == 0) + body
        temporal, is_sync = TEMPORAL_PATTERN[self.frames % 4]
        if temporal == 0 and at == 0:
            self.tl0_index = self.tl0_index + 1 & 0xFF
        key = b"\x00" if is_key and at == 0 else b"\x01"
        if is_key and at == 0 and self.rng.random() < 0.8:  # RFC 6386 9.1, with a size that may be 0
            key += b"\x00\x00\x9d\x01\x2a" + pack("<HH", self.rng.choice((0, 640)), self.rng.choice((0, 360)))
        first = 0x90 if at == 0 else 0x80
        if self.shape == "none":
            return bytes([first & 0x7F]) + key + body
        if self.shape == "short":
            return bytes([first, 0xE0, self.picture_id & 0x7F, self.tl0_index, temporal << 6]) + key + body
        if self.shape == "picture":
            return bytes([first, 0x80, 0x80 | self.picture_id >> 8, self.picture_id & 0xFF]) + key + body
        return vp8_payload(
            start=at == 0,
            key=key[0] == 0,
            picture_id=self.picture_id,
            tl0_index=self.tl0_index,
            temporal=temporal,
            sync=is_sync,
            body=key[1:] + body,
        )


def _with_redundancy(rng: random.Random, payload: bytes) -> bytes:
    """RED with older blocks, rarely too many; now and then its headers do not add up or nothing is in it."""
    count = rng.choice((0, 1, 1, 2, 2, 8, 9))
    blocks = [rng.randbytes(rng.randrange(20)) for _ in range(count)]
    lie = rng.choice((0, 0, 0, 0, 300))
    heads = b"".join(bytes([0x80 | MAIN_TYPE]) + (len(b) + lie).to_bytes(3, "big") for b in blocks)
    return heads + bytes([MAIN_TYPE]) + b"".join(blocks) + (payload if rng.random() < 0.95 else b"")


def _h264(rng: random.Random, is_key: bool) -> bytes:
    if not is_key:
        return rng.choice((b"\x41", b"\x7c\x05", b"\x7c\x81", b"\x78\x00\x03\x41\x01\x02"))
    parameters = (b"\x67", b"\x78\x00\x03\x67\x42\x01\x00\x02\x68\xce", b"\x7c\x87", b"\x78\x00\x00\x67")
    long = b"\x78" + b"\x00\x01\x41" * rng.choice((15, 16)) + b"\x00\x01\x67"
    return rng.choice((*parameters, b"\x65", b"\x7c\x85", long))


def mutated(rng: random.Random, packet: bytes) -> bytes:
    """A hostile neighbour of a packet: some octets changed, mostly where they steer, perhaps cut or grown."""
    mutant = bytearray(packet)
    for _ in range(rng.randrange(1, 5)):
        at = rng.choice((0, 1, 12, 13, 14, 15, 16, 17, 18, rng.randrange(len(mutant))))
        if at < len(mutant):
            mutant[at] = rng.choice((0, 0x0F, 0x10, 0x7F, 0x80, 0x90, 0xFF, rng.randrange(256)))
    mutant[8:12] = packet[8:12]
    if rng.random() < 0.2:
        return bytes(mutant[: rng.randrange(len(mutant))])
    return bytes(mutant) + (rng.randbytes(rng.choice((1, 200, 1600))) if rng.random() < 0.1 else b"")


def random_settings(rng: random.Random, codec: Codec) -> RewriterSettings:
    """A subscription with any combination of what can be negotiated."""
    mid = rng.choice(("", "v1", "a-longer-name"))
    has_time, has_wide, has_rtx = rng.random() < 0.6, rng.random() < 0.5, rng.random() < 0.6
    block = build_block(
        mid_id=4 if mid else 0, mid=mid, abs_send_time_id=3 if has_time else 0, has_wide_sequence=has_wide
    )
    return RewriterSettings(
        ssrc=rng.randrange(1 << 32),
        payload_type=rng.randrange(1, 128),
        clock_rate_hz=CLOCK_HZ[codec],
        needs_keyframe=codec is not Codec.OPUS,
        red_payload_type=rng.choice((None, 63)),
        rtx_ssrc=rng.randrange(1 << 32) if has_rtx else None,
        rtx_payload_type=97 if has_rtx else None,
        extension=block,
        has_send_time=has_time,
        has_wide_sequence=has_wide,
        first_sequence=rng.choice((65530, 1, rng.randrange(1 << 16))),
        first_timestamp=rng.choice((0xFFFFFF00, rng.randrange(1 << 32))),
    )


def compare_meters(stream: IncomingStream, twin: NativeStream) -> None:
    """To the last bit: both count in the same order in the same arithmetic."""
    meters, losses = twin.meters, twin.losses
    assert (stream.reception.received, stream.reception.bytes) == (meters.received, meters.bytes)
    assert stream.last_arrival_ms == meters.last_arrival_ms
    assert stream.jitter.ticks == int(meters.jitter)
    assert stream.jitter.milliseconds == meters.jitter / meters.ticks_per_ms
    assert stream.drift.drift_ms == meters.drift_ms
    assert stream.temporal.shares == shares_of(list(meters.temporal_bytes), meters.temporal_samples)
    assert stream.levels == (meters.levels, meters.loud, meters.loudness)
    assert stream.losses.pending == losses.count
    assert stream.losses.needs_keyframe == bool(losses.needs_keyframe)
    for name in ("asked", "recovered", "given_up"):
        assert getattr(stream.losses, name) == getattr(losses, name), name


@dataclass
class World:
    """Feeds both sides the same and raises AssertionError at the first difference."""

    native: Native
    seed: int
    rng: random.Random = field(init=False)
    codec: Codec = field(init=False)
    now_ms: float = 0.0
    sent: int = 0
    sent_numbers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = rng = random.Random(self.seed)
        self.codec = rng.choice((Codec.VP8, Codec.VP8, Codec.VP8, Codec.OPUS, Codec.H264))
        self.loss, self.mutants, self.moods = (rng.choice((0.0, 0.03, 0.3)) for _ in range(3))
        self.moods = rng.choice((self.moods, 0.9))
        self.disorder = rng.choice((0, 3, 40))
        settings = random_settings(rng, self.codec)
        self.ours, self.theirs = Rewriter(settings), NativeRewriter(settings, self.native)
        assert settings.wide_at == self.theirs.wide_at
        self.publishers: dict[int, Publisher] = {}
        self.streams: dict[int, tuple[IncomingStream, NativeStream]] = {}
        self.now_ms = rng.choice((0.0, rng.random() * 1e9))
        for _ in range(3):
            self.add_layer()

    def add_layer(self) -> None:
        """A new SSRC; the oldest one goes when there are more than four."""
        ssrc = self.rng.choice((self.rng.randrange(1 << 32), self.rng.randrange(30)))
        self.publishers[ssrc] = Publisher(self.rng, self.codec, ssrc)
        red = self.rng.choice((RED_TYPE, RED_TYPE, None))
        self.streams[ssrc] = (
            IncomingStream(
                ssrc=ssrc,
                codec=self.codec,
                clock_rate_hz=CLOCK_HZ[self.codec],
                payload_type=MAIN_TYPE,
                red_payload_type=red,
                audio_level_id=LEVEL_ID,
            ),
            NativeStream(
                self.native,
                ssrc=ssrc,
                codec=self.codec,
                clock_rate_hz=CLOCK_HZ[self.codec],
                payload_type=MAIN_TYPE,
                red_payload_type=red,
                audio_level_id=LEVEL_ID,
            ),
        )
        if len(self.publishers) > 4:
            oldest = next(iter(self.publishers))
            del self.publishers[oldest], self.streams[oldest]

    def run(self, frames: int) -> None:
        """Play this many frames of every layer."""
        rng = self.rng
        waiting: list[tuple[int, int, bytes]] = []  # (step of delivery, ssrc, packet)
        self.both("select", rng.choice(list(self.publishers)))
        for step in range(frames):
            self.now_ms += rng.choice(
                (25.0, 25.0, rng.random() * 60, 0.0, 2500.0 if step % 50 == 0 else 25.0)
            )
            self.mood()
            for ssrc, publisher in self.publishers.items():
                for packet in publisher.frame():
                    if rng.random() < self.loss:
                        continue
                    late = rng.randrange(self.disorder) if self.disorder and rng.random() < 0.2 else 0
                    waiting.append((step + late, ssrc, packet))
                    if rng.random() < 0.05:
                        waiting.append((step + late + rng.randrange(3), ssrc, packet))
            due = [entry for entry in waiting if entry[0] <= step]
            waiting = [entry for entry in waiting if entry[0] > step]
            for _, ssrc, packet in due:
                if ssrc in self.streams:
                    self.deliver(ssrc, mutated(rng, packet) if rng.random() < self.mutants else packet)
            self.compare()

    def both(self, order: str, *arguments: object, **named: object) -> None:
        """The same order to both sides."""
        getattr(self.ours, order)(*arguments, **named)
        getattr(self.theirs, order)(*arguments, **named)

    def mood(self) -> None:
        """The viewer, the court or the publisher want something else now and then."""
        rng = self.rng
        if rng.random() < self.moods:
            layers = [*self.publishers, rng.randrange(30)]
            match rng.randrange(12):
                case 0:
                    self.both("pause")
                case 1 | 2 | 3:
                    self.both("limit_temporal", rng.randrange(4))
                case 4:
                    self.both("take_redundancy", rng.choice((None, 63, 100)))
                case 5 if rng.random() < 0.3:
                    self.both("forget_sources")
                case 6:
                    self.add_layer()
                case _:
                    shift = rng.choice((None, None, 0, rng.randrange(1 << 32), rng.randrange(3000)))
                    self.both("select", rng.choice(layers), timestamp_shift=shift)

    def deliver(self, ssrc: int, packet: bytes) -> None:
        """A packet reaches the server: read, kept and forwarded alike."""
        ours, theirs = self.streams[ssrc]
        found, twin = ours.accept(packet, self.now_ms), theirs.accept(packet, self.now_ms)
        assert found == twin
        if found is None or twin is None:
            return
        self.forward(found, twin)

    def forward(self, found: MediaPacket, twin: MediaPacket) -> None:
        written, twin_written = self.ours.forward(found), self.theirs.forward(twin)
        assert written == twin_written
        if written is not None:
            self.sent += 1
            self.sent_numbers.append(int.from_bytes(written[2:4], "big"))

    def compare(self) -> None:
        """Counters, place in time, caches, and what can be repaired."""
        rng, ours, theirs = self.rng, self.ours, self.theirs
        for name in (
            "source",
            "target",
            "last_source",
            "packets_sent",
            "octets_sent",
            "retransmitted",
            "redundancy",
        ):
            assert getattr(ours, name) == getattr(theirs, name), name
        timestamp = rng.randrange(1 << 32)
        assert ours.timestamp_of(timestamp) == theirs.timestamp_of(timestamp)
        for stream, twin in self.streams.values():
            assert stream.refused == twin.refused
            assert stream.cache.newest == twin.cache.newest
            assert (stream.width_px, stream.height_px) == twin.size_px
            compare_meters(stream, twin)
            if rng.random() < 0.3:
                assert stream.losses.due(self.now_ms) == twin.due(self.now_ms)
            if rng.random() < 0.1:
                assert stream.reception.interval(stream.cache.newest) == twin.interval()
            if rng.random() < 0.01:
                stream.losses.forget()
                twin.forget_losses()
        ssrc = rng.choice(list(self.streams))
        stream, twin = self.streams[ssrc]
        most = rng.choice((5, 40, 2000))
        assert stream.cache.since_keyframe(most) == twin.cache.since_keyframe(most)
        wanted = [
            rng.randrange(1 << 16),
            *rng.sample(self.sent_numbers[-400:], min(2, len(self.sent_numbers))),
        ]
        for number in wanted:
            self.repair(number & 0xFFFF)

    def repair(self, number: int) -> None:
        """One retransmission request for an outgoing number."""
        found = self.ours.locate(number)
        assert found == self.theirs.locate(number)
        if found is None or found[0] not in self.streams:
            return
        stream, twin = self.streams[found[0]]
        age = self.rng.choice((None, self.now_ms))
        packet, twin_packet = stream.cache.get(found[1], age), twin.cache.get(found[1], age)
        assert packet == twin_packet
        if packet is None or twin_packet is None:
            return
        if self.rng.random() < 0.1:  # asked for with another number than its own
            number = number + 1 & 0xFFFF
        repair = self.ours.retransmit(number, packet, self.now_ms)
        assert repair == self.theirs.retransmit(number, twin_packet, self.now_ms)
