"""Synthetic publishers: real RTP bytes with VP8 or Opus inside, whose content can be recognised again."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import pack

from signaling.rtp.packet import Codec
from signaling.rtp.stream import IncomingStream

VP8_TYPE = 96
OPUS_TYPE = 111
RED_TYPE = 63
FRAME_MS = 1000 / 30
# libvpx with three temporal layers: (temporal id, Y bit) of four successive frames
TEMPORAL_PATTERN = ((0, False), (2, True), (1, True), (2, False))


def rtp(
    *,
    sequence: int,
    timestamp: int = 0,
    ssrc: int = 1,
    payload: bytes = b"\x01",
    payload_type: int = VP8_TYPE,
    marker: bool = False,
    extension: bytes = b"",
    padding: int = 0,
) -> bytes:
    """One RTP packet; `extension` is a whole block with its profile and length."""
    first = 0x80 | (0x10 if extension else 0) | (0x20 if padding else 0)
    head = pack(
        "!BBHII",
        first,
        (0x80 if marker else 0) | payload_type,
        sequence & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc,
    )
    return head + extension + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def vp8_payload(
    *,
    start: bool,
    key: bool,
    picture_id: int,
    tl0_index: int,
    temporal: int = 0,
    sync: bool = False,
    body: bytes = b"",
) -> bytes:
    """A payload as libwebrtc makes it: 15-bit picture id, TL0PICIDX, TID."""
    descriptor = bytes(
        [
            0x90 if start else 0x80,
            0xE0,
            0x80 | picture_id >> 8 & 0x7F,
            picture_id & 0xFF,
            tl0_index & 0xFF,
            temporal << 6 | (0x20 if sync else 0),
        ]
    )
    return descriptor + (b"\x00" if key else b"\x01") + body


@dataclass
class Vp8Source:
    """One simulcast layer. `frame` gives the packets of the next frame, numbers going on from the given ones."""

    ssrc: int = 1
    sequence: int = 65500
    timestamp: int = 0xFFFFF000
    picture_id: int = 32760
    tl0_index: int = 250
    temporal_layers: bool = False
    frames: int = 0
    _since_key: int = field(default=0, repr=False)

    def frame(self, *, key: bool = False, packets: int = 3) -> list[bytes]:
        """The packets of one frame; the body of each ends in its (ssrc, frame, index)."""
        if key:
            self._since_key = 0
        temporal, sync = TEMPORAL_PATTERN[self._since_key % 4] if self.temporal_layers else (0, False)
        if temporal == 0:
            self.tl0_index = self.tl0_index + 1 & 0xFF
        made = []
        for index in range(packets):
            payload = vp8_payload(
                start=index == 0,
                key=key and index == 0,
                picture_id=self.picture_id,
                tl0_index=self.tl0_index,
                temporal=temporal,
                sync=sync,
                body=pack("!III", self.ssrc, self.frames, index),
            )
            made.append(
                rtp(
                    sequence=self.sequence,
                    timestamp=self.timestamp,
                    ssrc=self.ssrc,
                    payload=payload,
                    marker=index == packets - 1,
                )
            )
            self.sequence = self.sequence + 1 & 0xFFFF
        self.timestamp = self.timestamp + 3000 & 0xFFFFFFFF
        self.picture_id = self.picture_id + 1 & 0x7FFF
        self.frames += 1
        self._since_key += 1
        return made


def vp8_stream(ssrc: int = 1) -> IncomingStream:
    """The receiving side of a `Vp8Source`."""
    return IncomingStream(ssrc=ssrc, codec=Codec.VP8, clock_rate_hz=90000, payload_type=VP8_TYPE)


def opus_stream(ssrc: int = 1, *, audio_level_id: int = 0) -> IncomingStream:
    """The receiving side of an Opus track that may come with redundancy."""
    return IncomingStream(
        ssrc=ssrc,
        codec=Codec.OPUS,
        clock_rate_hz=48000,
        payload_type=OPUS_TYPE,
        red_payload_type=RED_TYPE,
        audio_level_id=audio_level_id,
    )
