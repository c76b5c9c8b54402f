"""One incoming stream (one SSRC): everything that is done once per packet, before any leg sees it."""

from __future__ import annotations

from typing import Final

from signaling.rtp import extensions
from signaling.rtp.cache import AUDIO_PACKETS, VIDEO_PACKETS, PacketCache
from signaling.rtp.clock import DriftMeter, JitterMeter, ReceptionMeter, SenderClock
from signaling.rtp.header import RtpHeader, parse_header
from signaling.rtp.keyframes import H264_IDR, H264_PARAMETERS, KeyframeThrottle, h264_start
from signaling.rtp.nack import LossDetector
from signaling.rtp.packet import (
    FLAG_EMPTY,
    FLAG_FRAME_START,
    FLAG_KEYFRAME,
    FLAG_LATE,
    FLAG_SYNC,
    KIND_MEDIA,
    KIND_RED,
    LAYOUT_PLAIN,
    LAYOUT_VP8_FULL,
    LAYOUT_VP8_OTHER,
    Codec,
    MediaPacket,
)
from signaling.rtp.rates import RateWindow
from signaling.rtp.rtcp import ReportBlock
from signaling.rtp.sequence import SequenceUnwrapper
from signaling.rtp.vp8 import keyframe_size, parse_descriptor

_VP8_FULL_BYTES: Final = 5  # flags (2), picture id (2), TL0PICIDX (1)


class IncomingStream:
    """State of one SSRC of a publisher: numbering, history, loss repair, key frames, clocks, counters."""

    def __init__(
        self,
        *,
        ssrc: int,
        codec: Codec,
        clock_rate_hz: int,
        payload_type: int,
        red_payload_type: int | None = None,
        audio_level_id: int = 0,
        keyframe_interval_ms: float = 500.0,
    ) -> None:
        self.ssrc = ssrc
        self.codec = codec
        self.cache = PacketCache(AUDIO_PACKETS if codec is Codec.OPUS else VIDEO_PACKETS)
        self.losses = LossDetector()
        self.keyframes = KeyframeThrottle(keyframe_interval_ms)
        self.clock = SenderClock(clock_rate_hz)
        self.jitter = JitterMeter(clock_rate_hz)
        self.drift = DriftMeter(clock_rate_hz)
        self.reception = ReceptionMeter()
        self.rate = RateWindow()
        self.width_px = 0  # from the last VP8 key frame; 0 unknown (H264)
        self.height_px = 0
        self.last_arrival_ms = -1.0
        raise NotImplementedError

    def accept(self, packet: bytes, now_ms: float) -> MediaPacket | None:
        """Take in a decrypted packet of this SSRC (RTX already unwrapped). None: malformed, unknown payload type,
        duplicate or hopelessly late; then it must go nowhere, not even to a sink."""
        raise NotImplementedError

    def report_block(self, now_ms: float) -> ReportBlock:
        """What a receiver report says about this stream since the last call."""
        raise NotImplementedError
