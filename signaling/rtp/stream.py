"""One incoming stream (one SSRC): everything that is done once per packet, before any leg sees it."""

from __future__ import annotations

from signaling.rtp.cache import AUDIO_PACKETS, VIDEO_PACKETS, PacketCache
from signaling.rtp.clock import DriftMeter, JitterMeter, ReceptionMeter, SenderClock
from signaling.rtp.extensions import audio_level
from signaling.rtp.header import parse_header
from signaling.rtp.incoming import Levels
from signaling.rtp.keyframes import H264_IDR, H264_PARAMETERS, KeyframeThrottle, h264_start
from signaling.rtp.nack import PICTURE, VOICE, LossDetector
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
    PADDING_RANK,
    Codec,
    MediaPacket,
)
from signaling.rtp.rates import RateMeter
from signaling.rtp.red import repeats
from signaling.rtp.rtcp import ReportBlock
from signaling.rtp.sequence import MAX_FORWARD_STEP, SequenceUnwrapper
from signaling.rtp.speaker import ACTIVE_LEVEL
from signaling.rtp.temporal import TemporalMeter
from signaling.rtp.vp8 import keyframe_size, parse_descriptor


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
        self.losses = LossDetector(patience=VOICE if codec is Codec.OPUS else PICTURE)
        self.trusts_repeats = True  # everybody gets RED as it comes: what it repeats is not missing
        self.keyframes = KeyframeThrottle(keyframe_interval_ms)
        self.clock = SenderClock(clock_rate_hz)
        self.jitter = JitterMeter(clock_rate_hz)
        self.drift = DriftMeter(clock_rate_hz)
        self.reception = ReceptionMeter()
        self.loss_ratio = 0.0  # between the last two reports
        self.rate = (
            RateMeter()
        )  # fed by the owner's timer: rate.sample(reception.bytes, reception.received, now_ms)
        self.temporal = TemporalMeter()
        self.width_px = 0  # from the last VP8 key frame; 0 unknown (H264)
        self.height_px = 0
        self.last_arrival_ms = -1.0
        self.refused = 0  # malformed, unknown payload type, duplicate, too late
        self._is_vp8 = codec is Codec.VP8
        self._is_audio = codec is Codec.OPUS
        self.payload_type = payload_type
        self.red_payload_type = red_payload_type
        self.audio_level_id = audio_level_id
        self._levels_told = self._levels_loud = self._loudness = 0
        self._numbers = SequenceUnwrapper()
        self._last_timestamp = -1
        self._has_parameters = False  # H264: this sender puts parameter sets before its IDR frames

    def accept(self, packet: bytes, now_ms: float) -> MediaPacket | None:
        """Take in a decrypted packet of this SSRC (RTX already unwrapped).

        None when it is malformed, of an unknown payload type, a duplicate or hopelessly late; then it must go
        nowhere, not even to a sink. `refused` counts these.
        """
        newest = self.cache.newest
        media = self._parsed(packet, now_ms)
        if media is None or not self.cache.put(media):
            self.refused += 1
            return None
        if media[15] >= 0:
            self._levels_told += 1
            if media[15] <= ACTIVE_LEVEL:
                self._levels_loud += 1
                self._loudness += media[15]
        self._count(
            packet, media[1], media[2], media[13], media[1] - newest, now_ms, is_red=media[4] == KIND_RED
        )
        return media

    def _parsed(self, packet: bytes, now_ms: float) -> MediaPacket | None:
        """The flat form of a packet; None when it must be refused."""
        header = parse_header(packet)
        if header is None:
            return None
        payload_type, marker, number, timestamp, _, start, end, _, _, _ = header
        kind = KIND_MEDIA
        if payload_type != self.payload_type:
            if payload_type != self.red_payload_type:
                return None
            kind = KIND_RED
        sequence = self._numbers.unwrap(number)
        if sequence < 0:
            return None
        flags = FLAG_LATE if sequence < self.cache.newest else 0
        layout, temporal, picture, tl0, prefix, tail, level = LAYOUT_PLAIN, 0, -1, -1, 0, b"", -1
        payload = packet[start:end]
        if start == end:
            flags |= FLAG_EMPTY
            temporal = PADDING_RANK
        elif self._is_vp8:
            found = _read_vp8(payload)
            if found is None:
                return None
            more, layout, temporal, picture, tl0, prefix, tail = found
            flags |= more
        elif self._is_audio:
            flags |= FLAG_FRAME_START
            if self.audio_level_id:
                level = audio_level(packet, header, self.audio_level_id)
        else:
            flags |= self._h264_flags(payload, timestamp)
        time = (int(now_ms * 262.144) & 0xFFFFFF).to_bytes(
            3, "big"
        )  # extensions.abs_send_time_bytes, inlined
        return tuple.__new__(
            MediaPacket,
            (self.ssrc, sequence, timestamp, marker, kind, layout, temporal, picture, tl0, payload, prefix, tail,
             time, flags, now_ms, level),
        )  # fmt: skip

    def _h264_flags(self, payload: bytes, timestamp: int) -> int:
        flags = FLAG_FRAME_START if timestamp != self._last_timestamp else 0
        found = h264_start(payload)
        if found == H264_PARAMETERS:
            self._has_parameters = True
            return flags | FLAG_KEYFRAME
        if found == H264_IDR and not self._has_parameters:
            return flags | FLAG_KEYFRAME
        return flags

    def _count(
        self,
        packet: bytes,
        sequence: int,
        timestamp: int,
        flags: int,
        step: int,
        now_ms: float,
        *,
        is_red: bool,
    ) -> None:
        """What is done once per new packet, whoever parsed it."""
        self.last_arrival_ms = now_ms
        if step > MAX_FORWARD_STEP and self.reception.received:
            self.losses.forget()  # the sender restarted its numbers: nothing was lost
            self.reception.restart()
        self.losses.received(sequence, now_ms)
        if is_red and self.trusts_repeats and self.losses.pending:
            self._take_repeats(packet, sequence)
        self.reception.packet(sequence, len(packet))
        if step > 0 and timestamp != self._last_timestamp:  # once per frame: its packets leave in one burst
            self._last_timestamp = timestamp
            self.jitter.packet(timestamp, now_ms)
            self.drift.packet(timestamp, now_ms)
        if self._is_vp8 and TemporalMeter.is_sampled(sequence):
            self.temporal.packet(packet)
        if flags & FLAG_KEYFRAME:
            self._keyframe(packet, sequence)

    def _take_repeats(self, packet: bytes, sequence: int) -> None:
        """Something is missing and this packet may carry it."""
        header = parse_header(packet)
        if header is not None:
            for behind in range(1, repeats(packet[header.payload_start : header.payload_end]) + 1):
                self.losses.had(sequence - behind)

    def _keyframe(self, packet: bytes, sequence: int) -> None:
        self.losses.keyframe(sequence)
        self.losses.needs_keyframe = False
        self.keyframes.arrived()
        header = parse_header(packet) if self._is_vp8 else None
        payload = packet[header.payload_start : header.payload_end] if header is not None else b""
        descriptor = parse_descriptor(payload) if payload else None
        size = keyframe_size(payload, descriptor) if descriptor else None
        if size:
            self.width_px, self.height_px = size

    @property
    def is_troubled(self) -> bool:
        """Packets are missing or a key frame is needed."""
        return self.losses.needs_keyframe or self.losses.pending > 0

    @property
    def levels(self) -> Levels:
        """What its packets told of their loudness."""
        return Levels(self._levels_told, self._levels_loud, self._loudness)

    def report_block(self, now_ms: float) -> ReportBlock:
        """What a receiver report says about this stream since the last call."""
        newest = self.cache.newest
        ratio, lost = self.reception.interval(newest)
        self.loss_ratio = ratio
        last_report, delay = self.clock.echo(now_ms)
        # The unwrapped numbers start one turn up (see SequenceUnwrapper); the report counts turns from 0.
        return ReportBlock(
            self.ssrc, ratio, lost, max(0, newest - 0x10000), self.jitter.ticks, last_report, delay
        )


def _read_vp8(payload: bytes) -> tuple[int, int, int, int, int, int, bytes] | None:
    """(flags, layout, temporal layer, picture id, TL0PICIDX, prefix, tail) of a VP8 payload; None if malformed."""
    if len(payload) > 6 and payload[0] & 0x80 and payload[1] & 0xC0 == 0xC0 and payload[2] & 0x80:
        first, second = payload[0], payload[1]
        at = 6 if second & 0x30 else 5
        flags = temporal = 0
        if second & 0x20:
            temporal = payload[5] >> 6
            if payload[5] & 0x20:
                flags = FLAG_SYNC
        if first & 0x1F == 0x10:
            flags |= FLAG_FRAME_START if payload[at] & 1 else FLAG_FRAME_START | FLAG_KEYFRAME
        picture = (payload[2] & 0x7F) << 8 | payload[3]
        return flags, LAYOUT_VP8_FULL, temporal, picture, payload[4], first << 8 | second, payload[5:]
    found = parse_descriptor(payload)
    if found is None:
        return None
    flags = FLAG_SYNC if found.is_sync else 0
    if found.starts_frame:
        flags |= FLAG_FRAME_START | (FLAG_KEYFRAME if found.is_keyframe else 0)
    layout = LAYOUT_VP8_OTHER if found.picture_id_bits or found.tl0_at >= 0 else LAYOUT_PLAIN
    return flags, layout, found.temporal_id, found.picture_id, found.tl0_index, 0, b""
