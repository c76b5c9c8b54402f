"""The C arithmetic under the same hostile packets: it must say what Python says, byte for byte."""

from __future__ import annotations

from typing import Final

from signaling.native.build import Native, load
from signaling.native.twin import NativeRewriter, NativeStream
from signaling.rtp.packet import Codec
from signaling.rtp.rewriter import Rewriter
from signaling.rtp.stream import IncomingStream
from tests.fuzz.mutator import byte_mutator
from tests.fuzz.rtp_targets import CODECS, PACKET_MS, RTP, TOKENS, follow, rewriter_settings, steer, streams
from tests.fuzz.runner import Check, Target


class Twins:
    """The three streams of the Python target, each with its twin and two legs on either side."""

    def __init__(self, native: Native) -> None:
        self.plain = streams()
        made = {stream.codec: self._stream(native, stream) for stream in self.plain.values()}
        self.native = {payload_type: made[codec] for payload_type, codec in CODECS.items()}
        self.legs: dict[int, list[tuple[Rewriter, NativeRewriter]]] = {}
        for stream in self.plain.values():
            settings = [rewriter_settings(stream.codec, is_rich=rich) for rich in (True, False)]
            self.legs[stream.ssrc] = [(Rewriter(each), NativeRewriter(each, native)) for each in settings]
            for pair in self.legs[stream.ssrc]:
                for leg in pair:
                    leg.select(stream.ssrc)
        self.now_ms = 1000.0

    @staticmethod
    def _stream(native: Native, stream: IncomingStream) -> NativeStream:
        is_audio = stream.codec is Codec.OPUS
        return NativeStream(
            native,
            ssrc=stream.ssrc,
            codec=stream.codec,
            clock_rate_hz=stream.clock.clock_rate_hz,
            payload_type={Codec.OPUS: 111, Codec.VP8: 96, Codec.H264: 98}[stream.codec],
            red_payload_type=63 if is_audio else None,
            audio_level_id=1 if is_audio else 0,
        )

    def feed(self, data: bytes) -> bool:
        self.now_ms += PACKET_MS
        payload_type = data[1] & 0x7F if len(data) > 1 else 0
        payload_type = payload_type if payload_type in CODECS else 96
        stream, order, has_left = self.plain[payload_type], data[-1] if data else 0, False
        packet = stream.accept(data, self.now_ms)
        twin = self.native[payload_type].accept(data, self.now_ms)
        assert twin == packet, f"C reads {twin}, Python {packet}"
        for ours, theirs in self.legs[stream.ssrc]:
            for leg in (ours, theirs):
                steer(leg, stream.ssrc, order)
            if packet is None:
                continue
            sent = ours.forward(packet)
            assert theirs.forward(packet) == sent, "the packets that leave differ"
            if sent is None:
                continue
            has_left = True
            number = (sent[2] << 8 | sent[3]) - (order & 3) & 0xFFFF
            place = ours.locate(number)
            assert theirs.locate(number) == place
            kept = stream.cache.get(place[1], self.now_ms) if place is not None else None
            if kept is not None:
                again = ours.retransmit(number, kept, self.now_ms)
                assert theirs.retransmit(number, kept, self.now_ms) == again, "the repairs differ"
        return has_left


def _targets() -> list[Target]:
    native = load()
    if native is None:
        return []

    def fresh() -> Check:
        return Twins(native).feed

    return [Target("native", fresh, byte_mutator(RTP, TOKENS, follow), "rtp", RTP, 100_000, 0.1)]


TARGETS: Final = _targets()
