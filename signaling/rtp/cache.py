"""Recent packets of one incoming stream: answers retransmission requests, starts newcomers, wraps RTX (RFC 4588)."""

from __future__ import annotations

from typing import Final

from signaling.rtp.header import RtpHeader
from signaling.rtp.packet import FLAG_EMPTY, FLAG_KEYFRAME, MediaPacket

HISTORY_MS: Final = 2000.0  # mediasoup's choice; older repairs miss every playout deadline
VIDEO_PACKETS: Final = 1024  # 2 s at 4.5 Mbit/s
AUDIO_PACKETS: Final = 128  # 2.5 s at 50 packets per second
REPLAY_PACKETS: Final = (
    40  # Galene: a newcomer is served from the cache only when that little must be replayed
)


class PacketCache:
    """A ring of the last `capacity` packets (a power of two) by unwrapped sequence number.

    Overflow policy: the oldest packet makes room. Nothing older than HISTORY_MS is handed out.
    """

    __slots__ = ("_keyframe", "_mask", "_slots", "newest")

    def __init__(self, capacity: int = VIDEO_PACKETS) -> None:
        if capacity < 1 or capacity & (capacity - 1):
            raise ValueError("capacity must be a power of two")
        self._mask = capacity - 1
        self._slots: list[MediaPacket | None] = [None] * capacity
        self._keyframe = -1  # where the last key frame starts
        self.newest = -1

    def put(self, packet: MediaPacket) -> bool:
        """Remember a packet. False when it is a duplicate or older than what the ring can hold."""
        sequence = packet[1]
        newest = self.newest
        slot = sequence & self._mask
        if sequence <= newest:
            if sequence <= newest - len(self._slots):
                return False
            held = self._slots[slot]
            if held is not None and held[1] == sequence:
                return False
        else:
            self.newest = sequence
        self._slots[slot] = packet
        if packet[13] & FLAG_KEYFRAME and sequence > self._keyframe:
            self._keyframe = sequence
        return True

    def get(self, sequence: int, now_ms: float | None = None) -> MediaPacket | None:
        """The packet with this unwrapped number, or None when never seen, displaced, or (with `now_ms`) too old."""
        packet = self._slots[sequence & self._mask]
        if packet is None or packet[1] != sequence:
            return None
        if now_ms is not None and now_ms - packet.arrival_ms > HISTORY_MS:
            return None
        return packet

    def since_keyframe(self, max_packets: int = REPLAY_PACKETS) -> list[MediaPacket]:
        """The last key frame and everything after it, in order, for a newcomer.

        Empty when there is none, when it is more than `max_packets` back, or when a packet of it is missing: then
        the caller asks for a key frame. Only the key frame itself must be whole; later holes are NACKed as usual.
        """
        start, newest = self._keyframe, self.newest
        if start < 0 or newest - start >= min(max_packets, len(self._slots)):
            return []
        found: list[MediaPacket] = []
        first = self.get(start)
        if first is None:
            return []
        for sequence in range(start, newest + 1):
            packet = self.get(sequence)
            if packet is None:
                if found and found[-1].timestamp == first.timestamp and not found[-1].marker:
                    return []
                continue
            if not packet.flags & FLAG_EMPTY:
                found.append(packet)
        return found

    def clear(self) -> None:
        """Forget everything (the publisher came back on a fresh transport)."""
        self._slots = [None] * len(self._slots)
        self._keyframe = self.newest = -1


def unwrap_rtx(packet: bytes, header: RtpHeader, *, ssrc: int, payload_type: int) -> bytes | None:
    """The original packet out of a retransmission (RFC 4588 section 4), with `ssrc` and `payload_type` restored.

    None when the RTX packet carries nothing (probing padding). Extensions and CSRCs of the RTX packet are kept,
    padding is removed.
    """
    start, end = header.payload_start, header.payload_end
    if end - start < 2:
        return None
    out = bytearray(packet[:end])
    out[0] &= 0xDF
    out[1] = header.marker | payload_type
    out[2:4] = packet[start : start + 2]
    out[8:12] = ssrc.to_bytes(4, "big")
    del out[start : start + 2]
    return bytes(out)
