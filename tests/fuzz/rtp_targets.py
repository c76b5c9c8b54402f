"""Targets behind SRTP: what a participant with good keys and bad intentions can send."""

from __future__ import annotations

from random import Random
from typing import Final

from signaling.native.twin import NativeRewriter
from signaling.rtp import extensions, rtcp
from signaling.rtp.arrivals import FeedbackWriter
from signaling.rtp.cache import unwrap_rtx
from signaling.rtp.extensions import build_block
from signaling.rtp.header import FIXED_BYTES, MAX_EXTENSION_BYTES, parse_header
from signaling.rtp.outgoing import RewriterSettings
from signaling.rtp.packet import Codec, MediaPacket
from signaling.rtp.rewriter import Rewriter
from signaling.rtp.stream import IncomingStream
from tests.fuzz.corpus import hex_lines
from tests.fuzz.mutator import byte_mutator
from tests.fuzz.runner import Check, Target

RTP: Final = hex_lines("rtp")
RTCP: Final = hex_lines("rtcp")
ARRIVALS: Final = hex_lines("feedback")
CODECS: Final = {111: Codec.OPUS, 63: Codec.OPUS, 96: Codec.VP8, 98: Codec.H264}
PACKET_MS: Final = 5.0
TOKENS: Final = (
    b"\xbe\xde\x00\x01",
    b"\x10\x00\x00\x01",
    b"\x9d\x01\x2a",
    b"\x90\xe0\x80\x00",
    b"\x18\x00\x00",
    b"\xef\x00",
)
GROWTH_BYTES: Final = 64  # what a viewer's own extension block and an RTX number may add to a packet
MAX_OWN_BYTES: Final = 1500 + GROWTH_BYTES


def follow(chance: Random, data: bytearray) -> None:
    """Most packets come in order, or nearly: else the unwrapper would let through one in thirty."""
    if len(data) >= FIXED_BYTES and chance.random() < 0.9:
        data[0] = data[0] & 0x3F | 0x80
        data[2:4] = (1000 + chance.getrandbits(6)).to_bytes(2, "big")


def _fresh_header() -> Check:
    def check(data: bytes) -> bool:
        header = parse_header(data)
        if header is None:
            return False
        size = len(data)
        assert FIXED_BYTES <= header.payload_start <= header.payload_end <= size
        assert 0 <= header.extension_end - header.extension_start <= MAX_EXTENSION_BYTES
        for extension_id in (1, 4, 10, 15, 200):
            value = extensions.find(data, header, extension_id)
            assert value is None or len(value) <= 255
            name = extensions.text(data, header, extension_id)
            assert name is None or (1 <= len(name) <= 16 and name.isprintable())
        assert -1 <= extensions.audio_level(data, header, 1) <= 127
        assert -1 <= extensions.abs_send_time(data, header, 3) < 1 << 24
        assert -1 <= extensions.transport_sequence(data, header, 5) < 1 << 16
        original = unwrap_rtx(data, header, ssrc=7, payload_type=96)
        if original is not None:
            again = parse_header(original)
            assert again is not None
            assert (again.ssrc, again.payload_type) == (7, 96)
            assert again.payload_end - again.payload_start == header.payload_end - header.payload_start - 2
        return True

    return check


def streams() -> dict[int, IncomingStream]:
    """One stream per codec, by payload type."""
    made = {
        codec: IncomingStream(
            ssrc=number,
            codec=codec,
            clock_rate_hz=48000 if codec is Codec.OPUS else 90000,
            payload_type=payload_type,
            red_payload_type=63 if codec is Codec.OPUS else None,
            audio_level_id=1 if codec is Codec.OPUS else 0,
        )
        for number, (payload_type, codec) in enumerate(
            ((111, Codec.OPUS), (96, Codec.VP8), (98, Codec.H264)), 1
        )
    }
    return {payload_type: made[codec] for payload_type, codec in CODECS.items()}


def _fresh_stream() -> Check:
    by_type = streams()
    now_ms = 1000.0

    def check(data: bytes) -> bool:
        nonlocal now_ms
        now_ms += PACKET_MS
        stream = by_type.get(data[1] & 0x7F if len(data) > 1 else 0, by_type[96])
        packet = stream.accept(data, now_ms)
        if packet is None:
            return False
        assert packet.sequence >= 0
        assert len(packet.payload) <= len(data) - FIXED_BYTES
        assert len(packet.tail) <= len(packet.payload)
        assert len(packet.send_time) == 3
        assert -1 <= packet.picture_id <= 0x7FFF
        assert -1 <= packet.audio_level <= 127
        assert stream.losses.pending <= 100
        for missing in stream.losses.due(now_ms):
            assert 0 <= missing <= 0xFFFF
        block = stream.report_block(now_ms)
        assert 0.0 <= block.fraction_lost <= 1.0
        assert len(rtcp.build_receiver_report(1, [block])) == 32
        return True

    return check


def rewriter_settings(codec: Codec, *, is_rich: bool) -> RewriterSettings:
    """A leg with everything negotiated, or with nothing."""
    is_video = codec is not Codec.OPUS
    block = build_block(mid_id=4, mid="1", abs_send_time_id=3) if is_rich else b""
    return RewriterSettings(
        ssrc=0x99,
        payload_type={Codec.OPUS: 111, Codec.VP8: 96, Codec.H264: 98}[codec],
        clock_rate_hz=90000 if is_video else 48000,
        needs_keyframe=is_video,
        red_payload_type=63 if is_rich and not is_video else None,
        rtx_ssrc=0x9A if is_rich and is_video else None,
        rtx_payload_type=97 if is_rich and is_video else None,
        extension=block,
        has_send_time=is_rich,
        first_sequence=65000,
        first_timestamp=0xFFFFFF00,
    )


def steer(rewriter: Rewriter | NativeRewriter, ssrc: int, order: int) -> None:
    """What an owner does to a leg now and then; `order` 0..255 comes from the input."""
    if order < 2:
        rewriter.pause()
    elif order < 24:
        rewriter.select(ssrc, timestamp_shift=None if order & 1 else 12345)
    elif order < 36:
        rewriter.limit_temporal(order & 3)
    elif order == 36:
        rewriter.forget_sources()
    elif order < 40:
        rewriter.take_redundancy(63 if order & 1 else None)


def check_own_packet(sent: bytes, packet: MediaPacket) -> None:
    """What leaves must be well-formed whatever came in: browsers must not suffer for a sender's sins."""
    header = parse_header(sent)
    assert header is not None, "a malformed packet would leave"
    assert header.ssrc in (0x99, 0x9A)
    assert header.payload_type in (111, 63, 96, 97, 98)
    assert len(sent) <= MAX_OWN_BYTES
    assert header.payload_end - header.payload_start <= len(packet.payload) + 2


def _fresh_rewriter() -> Check:
    by_type = streams()
    legs = {
        stream.ssrc: [Rewriter(rewriter_settings(stream.codec, is_rich=rich)) for rich in (True, False)]
        for stream in by_type.values()
    }
    for ssrc, both in legs.items():
        for leg in both:
            leg.select(ssrc)
    now_ms = 1000.0

    def check(data: bytes) -> bool:
        nonlocal now_ms
        now_ms += PACKET_MS
        stream = by_type.get(data[1] & 0x7F if len(data) > 1 else 0, by_type[96])
        packet = stream.accept(data, now_ms)
        order, has_left = data[-1] if data else 0, False
        for leg in legs[stream.ssrc]:
            steer(leg, stream.ssrc, order)
            if packet is None:
                continue
            sent = leg.forward(packet)
            if sent is None:
                continue
            check_own_packet(sent, packet)
            has_left = True
            number = (sent[2] << 8 | sent[3]) - (order & 3) & 0xFFFF
            place = leg.locate(number)
            kept = stream.cache.get(place[1], now_ms) if place is not None else None
            again = leg.retransmit(number, kept, now_ms) if kept is not None else None
            if again is not None and kept is not None:
                check_own_packet(again, kept)
        return has_left

    return check


def _fresh_rtcp() -> Check:
    def check(data: bytes) -> bool:
        messages = rtcp.parse(data)
        assert len(messages) <= len(data) // 4
        for message in messages:
            if isinstance(message, rtcp.Nack):
                assert len(message.sequences) <= rtcp.MAX_NACK_NUMBERS
                assert all(0 <= each <= 0xFFFF for each in message.sequences)
            elif isinstance(message, rtcp.SenderReport | rtcp.ReceiverReport):
                assert len(message.blocks) <= rtcp.MAX_BLOCKS
                again = rtcp.parse(rtcp.build_receiver_report(1, message.blocks))
                assert isinstance(again[0], rtcp.ReceiverReport)
                assert again[0].blocks == message.blocks
            elif isinstance(message, rtcp.Cname):
                assert len(rtcp.build_cname(message.ssrc, message.name)) % 4 == 0
            elif isinstance(message, rtcp.Remb):
                assert message.bitrate_bps >= 0
        return bool(messages)

    return check


def _fresh_builders() -> Check:
    """Numbers of any size into every builder: what comes out is read back."""

    def check(data: bytes) -> bool:
        numbers = [int.from_bytes(data[at : at + 4], "big") for at in range(0, min(len(data), 160), 4)] or [0]
        first, last = numbers[0], numbers[-1]
        shorts = [number & 0xFFFF for number in numbers]
        block = rtcp.ReportBlock(first, last / 0xFFFFFFFF, last - first, last, first, last, first)
        built = [
            rtcp.build_sender_report(
                first,
                ntp=last << 32 | first,
                rtp_timestamp=last,
                packets=first,
                octets=last,
                blocks=[block] * len(data),
            ),
            rtcp.build_receiver_report(first, [block] * (len(data) % 40)),
            rtcp.build_reference_time(first, last << 40),
            rtcp.build_cname(first, data.decode("latin-1")),
            rtcp.build_bye(numbers),
            rtcp.build_pli(first, last),
            rtcp.build_fir(first, last, last),
            rtcp.build_nack(first, last, shorts),
            rtcp.build_remb(first, last << (first & 31), numbers),
        ]
        for each in built:
            assert len(each) % 4 == 0
            assert len(each) == 4 * (int.from_bytes(each[2:4], "big") + 1)
        again = rtcp.parse(b"".join(built))
        asked = [message for message in again if isinstance(message, rtcp.Nack)]
        assert set(asked[0].sequences) == set(shorts)
        estimate = next(message for message in again if isinstance(message, rtcp.Remb))
        assert estimate.bitrate_bps <= last << (first & 31)
        return True

    return check


def _fresh_feedback() -> Check:
    """Transport-wide numbers of a sender that jumps about: what we answer stays within what it sent, and a head."""
    writer, now_ns = FeedbackWriter(), 10**12

    def check(data: bytes) -> bool:
        nonlocal now_ns
        arrivals = []
        for at in range(0, len(data) - 3, 4):
            now_ns += 1000 * int.from_bytes(data[at + 2 : at + 4], "big")
            arrivals.append((int.from_bytes(data[at : at + 2], "big"), now_ns))
        messages = writer.write(arrivals, 1, 2)
        assert all(len(each) % 4 == 0 and len(each) <= 1200 for each in messages)
        assert sum(map(len, messages)) <= 20_000, "one feedback must not flood the sender"
        return bool(messages)

    return check


TARGETS: Final = [
    Target("rtp_header", _fresh_header, byte_mutator(RTP, TOKENS), "rtp", RTP, 200_000, 0.5),
    Target("stream", _fresh_stream, byte_mutator(RTP, TOKENS, follow), "rtp", RTP, 150_000, 0.3),
    Target("rewriter", _fresh_rewriter, byte_mutator(RTP, TOKENS, follow), "rtp", RTP, 120_000, 0.1),
    Target("rtcp", _fresh_rtcp, byte_mutator(RTCP), "rtcp", RTCP, 180_000, 0.5),
    Target("rtcp_builders", _fresh_builders, byte_mutator(RTCP), "rtcp", RTCP, 30_000, 0.9),
    Target("feedback", _fresh_feedback, byte_mutator(ARRIVALS), "feedback", ARRIVALS, 10_000, 0.5),
]
