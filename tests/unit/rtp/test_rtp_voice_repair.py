"""Lost voices: asked for in time, not when a later packet repeats them, and repeated octet for octet."""

from __future__ import annotations

import random
import struct

import pytest

from signaling.rtp.extensions import build_block
from signaling.rtp.nack import VOICE, VOICE_USEFUL_MS, LossDetector
from signaling.rtp.packet import Codec
from signaling.rtp.red import repeats
from signaling.rtp.rewriter import Rewriter, RewriterSettings
from signaling.rtp.stream import IncomingStream

OPUS, RED = 111, 63


def red_payload(frames: list[bytes]) -> bytes:
    """The last frame and, as blocks before it, the earlier ones, 20 ms apart."""
    heads, step = b"", 960 * (len(frames) - 1)
    for frame in frames[:-1]:
        heads += bytes([0x80 | OPUS]) + (step << 10 | len(frame)).to_bytes(3, "big")
        step -= 960
    return heads + bytes([OPUS]) + b"".join(frames)


def packet(sequence: int, payload: bytes, payload_type: int = RED) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, sequence & 0xFFFF, sequence * 960, 7) + payload


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (red_payload([b"now"]), 0),
        (red_payload([b"before", b"now"]), 1),
        (red_payload([b"long ago", b"before", b"now"]), 2),
        (red_payload([b"long ago", b"", b"now"]), 0),  # what stands right before is not there
        (red_payload([b"", b"before", b"now"]), 1),
        (b"", 0),
        (b"\xef\x00", 0),
        (red_payload([b"before", b"now"])[:8], 0),
    ],
)
def test_repeats__any_payload__counts_the_frames_right_before(payload: bytes, expected: int) -> None:
    assert repeats(payload) == expected


def test_due__voice__is_asked_after_the_next_packet_and_until_it_is_of_no_use() -> None:
    losses = LossDetector(patience=VOICE, rtt_ms=50.0)
    losses.received(1, 0.0)
    losses.received(3, 40.0)
    asked = [now for now in range(40, 3000, 5) if losses.due(now)]
    assert asked[0] == 40, "two packets' time after the one before it, reordering is over"
    assert asked[-1] <= 40 + VOICE_USEFUL_MS + 50
    assert len(asked) >= 6
    assert losses.given_up == 1


def test_stream__red_repeats_what_was_lost__nothing_is_asked_for() -> None:
    stream = IncomingStream(
        ssrc=7, codec=Codec.OPUS, clock_rate_hz=48000, payload_type=OPUS, red_payload_type=RED
    )
    for sequence in (1, 2, 4, 5, 9):
        frames = [bytes([number]) * 9 for number in range(max(1, sequence - 1), sequence + 1)]
        stream.accept(packet(sequence, red_payload(frames)), sequence * 20.0)
    assert stream.losses.due(230.0) == [6, 7], "3 came with 4, 8 with 9"
    assert stream.losses.recovered == 2


def test_stream__a_viewer_takes_no_red__repeats_do_not_count() -> None:
    stream = IncomingStream(
        ssrc=7, codec=Codec.OPUS, clock_rate_hz=48000, payload_type=OPUS, red_payload_type=RED
    )
    stream.trusts_repeats = False
    for sequence in (1, 2, 4):
        frames = [bytes([number]) * 9 for number in range(max(1, sequence - 1), sequence + 1)]
        stream.accept(packet(sequence, red_payload(frames)), sequence * 20.0)
    assert stream.losses.due(200.0) == [3]


@pytest.mark.parametrize("takes_red", [False, True])
def test_retransmit__voice__is_the_same_octets_as_before(takes_red: bool) -> None:
    """Under AES-GCM a second packet with the same number and other octets would give the key away."""
    stream = IncomingStream(
        ssrc=7, codec=Codec.OPUS, clock_rate_hz=48000, payload_type=OPUS, red_payload_type=RED
    )
    settings = RewriterSettings(
        99, OPUS, 48000, needs_keyframe=False, extension=build_block(mid_id=4, mid="3"), first_sequence=65530
    )
    rewriter = Rewriter(settings)
    rewriter.take_redundancy(RED if takes_red else None)
    rewriter.select(7)
    sent = {}
    for sequence in range(1, 30):
        media = stream.accept(packet(sequence, red_payload([b"before", b"now"])), sequence * 20.0)
        assert media is not None
        out = rewriter.forward(media)
        assert out is not None
        sent[out[2] << 8 | out[3]] = out, media
    for number, (out, media) in sent.items():
        assert rewriter.retransmit(number, media, 5000.0) == out


def test_repair__a_tenth_lost_and_bursts_of_300_ms__nearly_every_frame_is_had() -> None:
    """Both ways lose a tenth, every 5 s all is dark for 300 ms; the sender repeats what it still has."""
    chance, rtt_ms = random.Random(11), 60.0
    stream = IncomingStream(
        ssrc=7, codec=Codec.OPUS, clock_rate_hz=48000, payload_type=OPUS, red_payload_type=RED
    )
    stream.losses.rtt_ms = rtt_ms

    def passes(at_ms: float) -> bool:
        return at_ms % 5000 > 300 and chance.random() >= 0.1

    arriving: list[tuple[float, int]] = []
    had: set[int] = set()
    frames_sent = 3000
    for tick in range(0, frames_sent * 20 + 3000, 20):
        sequence = tick // 20
        if 1 <= sequence <= frames_sent and passes(tick):
            arriving.append((tick + rtt_ms / 2, sequence))
        for at_ms, number in sorted(arriving):
            if at_ms <= tick:
                arriving.remove((at_ms, number))
                frames = [b"%d" % each for each in range(max(1, number - 1), number + 1)]
                if stream.accept(packet(number, red_payload(frames)), tick) is not None:
                    had |= {number, max(1, number - 1)}
        asked = stream.losses.due(tick) if stream.losses.pending else []
        if asked and passes(tick):
            arriving += [(tick + rtt_ms, number) for number in asked if passes(tick + rtt_ms / 2)]
    assert len(had) >= 0.995 * frames_sent
