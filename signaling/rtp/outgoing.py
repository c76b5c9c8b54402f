"""How one viewer's packets look on the wire: numbers of its own, its payload types, its extensions, RTX (RFC 4588)."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

from signaling.rtp.extensions import WIDE_ELEMENT, abs_send_time_bytes
from signaling.rtp.header import FIXED_BYTES, padding_packet
from signaling.rtp.packet import KIND_MEDIA, LAYOUT_PLAIN, MediaPacket
from signaling.rtp.red import primary_block
from signaling.rtp.spans import Span
from signaling.rtp.vp8 import parse_descriptor, rewrite_descriptor

_MASK32: Final = 0xFFFFFFFF


class RewriterSettings(NamedTuple):
    """What is fixed for one subscription. All numbers as negotiated with the viewer."""

    ssrc: int
    payload_type: int
    clock_rate_hz: int
    needs_keyframe: bool  # video: start and switch on key frames only
    red_payload_type: int | None = None  # None: redundancy is taken off before sending
    rtx_ssrc: int | None = None  # None: retransmissions are plain repeats
    rtx_payload_type: int | None = None
    extension: bytes = b""  # from extensions.build_block
    has_send_time: bool = False  # `extension` ends in the head of abs-send-time
    has_wide_sequence: bool = False  # the last word of the block holds the transport-wide number
    first_sequence: int = 0  # random, from the caller
    first_timestamp: int = 0  # random, from the caller

    @property
    def wide_element(self) -> bytes:
        """The last word of the block, the number still 0; b"" when there is none."""
        return WIDE_ELEMENT if self.has_wide_sequence else b""

    @property
    def wide_at(self) -> int:
        """Where the two octets of the transport-wide number lie in every packet; 0 when there are none."""
        if not self.has_wide_sequence:
            return 0
        return FIXED_BYTES + len(self.extension) + (3 if self.has_send_time else 0) + len(WIDE_ELEMENT) - 2


@lru_cache(maxsize=64)
def plain_packer(extension_bytes: int, time_bytes: int, wide_bytes: int) -> Struct:
    """Header and extension block in one call: octets, sequence, timestamp, SSRC, block, send time, wide number."""
    return Struct(f"!BBHII{extension_bytes}s{time_bytes}s{wide_bytes}s")


@lru_cache(maxsize=64)
def vp8_packer(extension_bytes: int, time_bytes: int, wide_bytes: int) -> Struct:
    """The same and the first five octets of a VP8 descriptor: flags, picture id, TL0PICIDX."""
    return Struct(f"!BBHII{extension_bytes}s{time_bytes}s{wide_bytes}sHHB")


def packer_shape(settings: RewriterSettings) -> tuple[int, int, int]:
    """The arguments of both packers."""
    return len(settings.extension), 3 if settings.has_send_time else 0, len(settings.wide_element)


def renumbered(packet: MediaPacket, picture_offset: int, tl0_offset: int) -> bytes:
    """The VP8 payload with other numbers, for any shape of descriptor."""
    descriptor = parse_descriptor(packet.payload)
    if descriptor is None:
        return packet.payload
    return rewrite_descriptor(
        packet.payload, descriptor, packet.picture_id + picture_offset, packet.tl0_index + tl0_offset
    )


class PacketComposer:
    """Builds packets for places in the past: late ones, repairs, fillers. The newest packet is `Rewriter.forward`'s."""

    __slots__ = ("_first_octet", "_pack", "_rtx_sequence", "_settings", "_wide", "payload_types")

    def __init__(self, settings: RewriterSettings) -> None:
        self._settings = settings
        self._first_octet = 0x90 if settings.extension else 0x80
        self._pack = plain_packer(*packer_shape(settings)).pack
        self._wide = settings.wide_element
        self._rtx_sequence = settings.first_sequence
        self.payload_types = (
            settings.payload_type,
            settings.red_payload_type or 0,
        )  # by kind; 0: not negotiated

    def compose(self, packet: MediaPacket, out: int, span: Span) -> bytes:
        """The packet with the numbers of its span."""
        settings = self._settings
        timestamp = packet.timestamp + span.timestamp_offset & _MASK32
        if packet.temporal_id > span.max_temporal:
            # Its frame is left out, yet its place was kept because nobody knew: the place must be filled.
            extension = (
                settings.extension + (packet.send_time if settings.has_send_time else b"") + self._wide
            )
            return padding_packet(
                payload_type=settings.payload_type,
                sequence=out,
                timestamp=timestamp,
                ssrc=settings.ssrc,
                extension=extension,
            )
        payload_type, payload = self._payload(packet, span)
        return self._head(payload_type, packet, out, timestamp, settings.ssrc) + payload

    def repair(self, packet: MediaPacket, out: int, span: Span, now_ms: float) -> bytes:
        """The packet once more: as RTX when negotiated, else as it was."""
        settings = self._settings
        packet = packet._replace(send_time=abs_send_time_bytes(now_ms))
        rtx_type, rtx_ssrc = settings.rtx_payload_type, settings.rtx_ssrc
        if rtx_ssrc is None or rtx_type is None:
            return self.compose(packet, out, span)
        if packet.temporal_id > span.max_temporal:
            # Its place was filled with padding. That is sent again as an empty repair, never under its own number: the
            # send time is another now, and two headers under one AES-GCM nonce give the authentication key away.
            packet = packet._replace(marker=0, kind=KIND_MEDIA, layout=LAYOUT_PLAIN, payload=b"")
        self._rtx_sequence += 1
        timestamp = packet.timestamp + span.timestamp_offset & _MASK32
        _, payload = self._payload(packet, span)
        head = self._head(rtx_type, packet, self._rtx_sequence, timestamp, rtx_ssrc)
        return head + (out & 0xFFFF).to_bytes(2, "big") + payload

    def _head(
        self, payload_type: int, packet: MediaPacket, sequence: int, timestamp: int, ssrc: int
    ) -> bytes:
        return self._pack(
            self._first_octet,
            packet.marker | payload_type,
            sequence & 0xFFFF,
            timestamp,
            ssrc,
            self._settings.extension,
            packet.send_time,
            self._wide,
        )

    def _payload(self, packet: MediaPacket, span: Span) -> tuple[int, bytes]:
        """(payload type, payload) for this viewer."""
        payload_type = self.payload_types[packet.kind]
        if not payload_type:
            block = primary_block(packet.payload)
            return self._settings.payload_type, b"" if block is None else block[1]
        if packet.layout == LAYOUT_PLAIN:
            return payload_type, packet.payload
        return payload_type, renumbered(packet, span.picture_offset, span.tl0_offset)
