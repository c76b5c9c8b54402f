"""RTP packets and tracks for the recorder's tests: fixed headers with a payload that tells its own number."""

from __future__ import annotations

import struct

from recorder.writing.session import RecordingSession
from signaling.sink import TrackInfo

MS = 1_000_000
AUDIO_STEP = 960  # RTP ticks of 20 ms at 48 kHz
VIDEO_STEP = 3600  # RTP ticks of 40 ms at 90 kHz


def microphone(track_id: str = "audio-1", identity: str = "per_1") -> TrackInfo:
    """A microphone's track."""
    return TrackInfo(track_id, identity, "microphone", "audio", "opus", 48000, 11, None, 111, None)


def camera(track_id: str = "video-1", identity: str = "per_1", layer: str | None = None) -> TrackInfo:
    """A camera's track."""
    return TrackInfo(track_id, identity, "camera", "video", "VP8", 90000, 22, layer, 96, None)


def rtp(sequence: int, timestamp: int, size_bytes: int = 80, payload_type: int = 111) -> bytes:
    """One packet; its payload repeats the sequence number so that content can be checked."""
    head = struct.pack(">BBHII", 0x80, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 0x1234)
    return head + struct.pack(">I", sequence) * (size_bytes // 4)


def sequence_of(packet: bytes) -> int:
    """The number a packet of `rtp` was made with."""
    return int.from_bytes(packet[12:16], "big")


def feed_audio(session: RecordingSession, track_id: str, start_ns: int, count: int, first: int = 0) -> int:
    """`count` packets 20 ms apart, as if they had come at `start_ns` and after; returns the end in ns."""
    for index in range(count):
        number = first + index
        session.packet(track_id, rtp(number, number * AUDIO_STEP), start_ns + index * 20 * MS)
    return start_ns + count * 20 * MS
